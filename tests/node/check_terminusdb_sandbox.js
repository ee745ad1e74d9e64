// TerminusDB's own JavaScript client, unchanged, against the TerminusDB sandbox: every call of its
// `AccessControl`, those of the hosted product where the sandbox serves them.
//
//     NODE_PATH=... node tests/node/check_terminusdb_sandbox.js open|hosted URL PASSWORD
//
// A call of the client that is in neither list fails the check, so that a newer client is noticed.

const assert = require('node:assert');
const { AccessControl, WOQLClient } = require('@terminusdb/terminusdb-client');

const [mode, url, password] = process.argv.slice(2);

// What is not about the server: how the client is set up.
const NOT_CALLS = [
  'getDefaultOrganization', 'setJwtToken', 'setApiToken', 'setApiKey', 'getAPIUrl', 'dispatch', 'customHeaders',
];
// Requests for access to an organization are not served.
const NOT_SERVED = ['accessRequestsList', 'sendAccessRequest', 'deleteAccessRequest'];

const called = new Set();

function client(params) {
  const access = new AccessControl(url, params);
  return new Proxy(access, {
    get(target, name) {
      const found = target[name];
      if (typeof found !== 'function') return found;
      return (...args) => {
        called.add(name);
        return found.apply(target, args);
      };
    },
  });
}

/** Fails unless a call is refused with this status. */
async function refused(status, call) {
  try {
    await call;
  } catch (error) {
    const said = error.status ?? error.response?.status ?? Number(/\b[45]\d\d\b/.exec(String(error))?.[0]);
    assert.strictEqual(said, status, String(error));
    return;
  }
  assert.fail(`it was not refused with ${status}`);
}

const names = (list) => list.map((one) => one.name).sort();

async function open() {
  const access = client({ key: password, user: 'admin', organization: 'acme' });
  await access.createOrganization('acme');
  assert.deepStrictEqual(names(await access.getAllOrganizations()), ['acme', 'admin']);
  assert.strictEqual((await access.getOrganization('acme')).name, 'acme');
  await access.createRole('reader', ['instance_read_access']);
  assert.ok(names(await access.getAccessRoles()).includes('reader'));
  await access.createUser('bea', 'pw');
  assert.ok(names(await access.getAllUsers()).includes('bea'));
  const woql = new WOQLClient(url, { user: 'admin', key: password, organization: 'acme' });
  await woql.createDatabase('sales', { label: 'Sales', comment: 'c', schema: true }, 'acme');
  await access.manageCapability('bea', 'acme', ['reader'], 'grant', 'organization');
  await access.manageCapability('bea', 'acme/sales', ['Consumer Role'], 'grant', 'database');
  assert.deepStrictEqual(names(await access.getOrgUsers()), ['bea']);
  assert.strictEqual((await access.getTeamUserRoles('bea')).capability.length, 2);
  assert.deepStrictEqual(names(await access.getDatabaseRolesOfUser('bea')), ['sales']);
  await refused(400, access.createUser('bea', 'pw'));
  await refused(404, access.manageCapability('bea', 'nope', ['reader'], 'grant', 'organization'));
  // Hosted calls reach nothing, but for the one that makes an organization of an odd name (fact sheet, 10).
  await refused(404, access.ifOrganizationExists('acme'));
  await access.sendOrgInvite('x@acme.example', 'Role/admin');
  assert.ok(names(await access.getAllOrganizations()).includes('acme/invites'));
  await access.deleteOrganization('acme/invites');
  await access.manageCapability('bea', 'acme', ['reader'], 'revoke', 'organization');
  await access.manageCapability('bea', 'acme/sales', ['Consumer Role'], 'revoke', 'database');
  await access.deleteUser('bea');
  await access.deleteRole('reader');
  await woql.deleteDatabase('sales', 'acme');
  await access.deleteOrganization('acme');
  assert.deepStrictEqual(names(await access.getAllOrganizations()), ['admin']);
}

async function hosted() {
  const access = client({ token: password, organization: 'acme' });
  await access.createOrganizationRemote('acme');
  await access.ifOrganizationExists('acme');
  await refused(404, access.ifOrganizationExists('nope'));
  assert.strictEqual((await access.getTeamUserRole()).userRole, 'Role/admin');
  await access.sendOrgInvite('bea@acme.example', 'Role/infoReader', 'welcome');
  await access.sendOrgInvite('cas@acme.example', 'Role/admin');
  const pending = await access.getPendingOrgInvites();
  assert.strictEqual(pending.length, 2);
  assert.strictEqual((await access.getOrgInvite(pending[0]['@id'])).email_to, 'bea@acme.example');
  await access.updateOrgInviteStatus(pending[0]['@id'], true);
  await access.deleteOrgInvite(pending[1]['@id']);
  assert.strictEqual((await access.getPendingOrgInvites()).length, 0);
  const woql = new WOQLClient(url, { user: 'admin', key: password, organization: 'acme' });
  await woql.createDatabase('sales', { label: 'Sales', comment: 'c', schema: true }, 'acme');
  const rows = async () => access.getDatabaseRolesOfUser('bea@acme.example');
  let [row] = await rows();
  assert.deepStrictEqual([row.capability, row.role], [null, 'Role/infoReader']);
  await access.createUserRole('bea@acme.example', row.scope, 'Role/dataReader');
  [row] = await rows();
  assert.strictEqual(row.role, 'Role/dataReader');
  await access.updateUserRole('bea@acme.example', row.capability, row.scope, 'Role/dataUpdater');
  [row] = await rows();
  assert.strictEqual(row.role, 'Role/dataUpdater');
  assert.ok(await access.getUserInfo('admin'));
  await access.removeUserFromOrg('bea@acme.example');
  assert.deepStrictEqual(await access.getOrgUsers(), []);
}

(async () => {
  const kinds = { open, hosted };
  await kinds[mode]();
  const all = Object.getOwnPropertyNames(AccessControl.prototype).filter((n) => n !== 'constructor');
  console.log(JSON.stringify({ called: [...called].sort(), all: all.sort(), not: [...NOT_CALLS, ...NOT_SERVED] }));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
