"""What every layer of this service uses."""
