// A provider of OpenID Connect for the tests: oidc-provider of others, with one public
// client. Its one argument is JSON: port, issuer, keys (a private JWK set), packages
// (where oidc-provider is installed), roles (of whoever logs in).
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const asked = JSON.parse(process.argv[2]);
const require = createRequire(pathToFileURL(asked.packages + '/'));
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const provider = new Provider(asked.issuer, {
  jwks: asked.keys,
  cookies: { keys: ['of the tests alone'] },
  clients: [
    {
      client_id: 'flowforge-cli',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: [
        'authorization_code',
        'urn:ietf:params:oauth:grant-type:device_code',
      ],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  claims: { openid: ['sub', 'roles', 'tenant'] },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, roles: asked.roles, tenant: 'default' }),
  }),
  features: { deviceFlow: { enabled: true } },
  pkce: { required: () => true },
  ttl: { IdToken: asked.lives ?? 300, DeviceCode: 60 },
});

const server = provider.listen(asked.port, '127.0.0.1', () => {
  console.log(server.address().port);
});
