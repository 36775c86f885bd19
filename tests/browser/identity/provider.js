// A certified OpenID provider, for one registry: node provider.js ISSUER REGISTRY
//
// Everybody signs in with any name, and no password. PUT /groups says in which groups all of them
// are. Refresh tokens are good once, as is usual by now.

import http from "node:http";
import { Provider } from "oidc-provider";

const [issuer, registry] = process.argv.slice(2);
let groups = [];

const page = (body) => `<!doctype html><title>Example ID</title><main><h1>Example ID</h1>${body}</main>`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "harbor",
      client_secret: "the-secret-of-the-client",
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: [`${registry}/c/oidc/callback`],
      post_logout_redirect_uris: [`${registry}/account/sign-in`],
    },
  ],
  claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"], groups: ["groups"] },
  cookies: { keys: ["of tests only"] },
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    rpInitiatedLogout: {
      logoutSource: (ctx, form) => {
        ctx.body = page(`${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`);
      },
    },
  },
  findAccount: (_ctx, sub) => ({
    accountId: sub,
    claims: () => ({
      sub,
      name: `${sub} Lee`,
      email: `${sub.toLowerCase()}@example.org`,
      email_verified: true,
      groups,
    }),
  }),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  // The registry belongs to the same house, so nobody is asked whether it may know who they are.
  loadExistingGrant: async (ctx) => {
    const { client, session, provider: ours } = ctx.oidc;
    const grant = new ours.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile email groups offline_access");
    await grant.save();
    return grant;
  },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  scopes: ["openid", "offline_access", "profile", "email", "groups"],
});

async function body(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

async function interact(request, response) {
  if (request.method === "POST") {
    const login = new URLSearchParams(await body(request)).get("login");
    const consent = { grantId: undefined };
    await provider.interactionFinished(request, response, { login: { accountId: login }, consent });
  } else {
    response.setHeader("Content-Type", "text/html");
    const field = '<label>Name <input name="login" required></label>';
    response.end(page(`<form method="post">${field}<button>Sign in</button></form>`));
  }
}

const standard = provider.callback();
const server = http.createServer(async (request, response) => {
  if (request.url.startsWith("/interaction/")) {
    await interact(request, response);
  } else if (request.url === "/groups" && request.method === "PUT") {
    groups = JSON.parse(await body(request));
    response.end();
  } else {
    standard(request, response);
  }
});
server.listen(new URL(issuer).port, "127.0.0.1", () => console.log("ready"));
