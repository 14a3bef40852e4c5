"""Registration, sign-in and sessions, without HTTP."""
