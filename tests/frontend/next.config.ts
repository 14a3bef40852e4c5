import type { NextConfig } from "next";

const config: NextConfig = {
  // The package of the client has TypeScript sources only.
  transpilePackages: ["my-service-client"],
  turbopack: { root: process.env.WORKSPACE },
  // For pages that call the service on their own origin.
  async rewrites() {
    return [{ source: "/api/:path*", destination: `${process.env.API_URL}/api/:path*` }];
  },
};

export default config;
