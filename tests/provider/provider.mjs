// Runs an OpenID Provider on a free port of localhost, and prints its issuer:
//
//     node provider.mjs FOLDER [REDIRECT_URI]
//
// The folder has `server.key` and `server.pem`, for TLS. A client gets tokens for any resource; the
// last segment of its URL names the algorithm, as in https://api.example.com/ES256, or is "opaque".
// With a redirect URI, any user can sign in, with any password, for the client "frontend".

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { Provider } from "oidc-provider";

const [folder, redirectUri] = process.argv.slice(2);
const read = (name) => readFileSync(`${folder}/${name}`);
const server = createServer({ key: read("server.key"), cert: read("server.pem") });

function newKey(type, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { use: "sig", ...privateKey.export({ format: "jwk" }) };
}

function resourceServer(_context, resource) {
  const alg = resource.split("/").pop();
  return {
    accessTokenFormat: alg === "opaque" ? "opaque" : "jwt",
    jwt: alg === "opaque" ? undefined : { sign: { alg } },
    scope: "items:read items:write",
  };
}

const frontend = {
  client_id: "frontend",
  client_secret: "secret",
  redirect_uris: [redirectUri],
  token_endpoint_auth_method: "client_secret_post",
};

server.listen(0, "localhost", () => {
  const issuer = `https://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "client",
        client_secret: "secret",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
      ...(redirectUri ? [frontend] : []),
    ],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: redirectUri !== undefined },
      resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
    },
    pkce: { required: () => true },
    jwks: {
      keys: [
        newKey("rsa", { modulusLength: 2048 }),
        newKey("ec", { namedCurve: "P-256" }),
        newKey("ec", { namedCurve: "P-384" }),
        newKey("ed25519"),
      ],
    },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
