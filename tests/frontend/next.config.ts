import type { NextConfig } from "next";

const config: NextConfig = {
  // The client of the service comes as TypeScript.
  transpilePackages: ["my-service-client"],
  turbopack: { root: process.env.WORKSPACE },
  // Pages that are not to call another origin call this, which the server passes on.
  async rewrites() {
    return [{ source: "/api/:path*", destination: `${process.env.API_URL}/api/:path*` }];
  },
};

export default config;
