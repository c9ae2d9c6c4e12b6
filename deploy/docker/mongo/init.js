// Makes MongoDB what the services need: a replica set of one member, and a user who may read and
// write their databases: one of each service, and `accounts`, which those that buy share
// (docs/adr/0015). Looks first and changes only what is not so; run it as often as you like.

const { MONGO_INITDB_ROOT_USERNAME: root, MONGO_INITDB_ROOT_PASSWORD: rootPassword } = process.env;
const { MONGO_MEMBER: member, MONGO_USER: user, MONGO_PASSWORD: pwd } = process.env;
const prefix = process.env.STUDIO_DATABASE_PREFIX;
const services = ["gateway", "create", "edit", "upscale", "optimizer", "library"];
const secondsToWait = 120;

/** Try until it works. At its first start the server restarts once, after root was made. */
function insist(action) {
  for (let second = 0; ; second += 1) {
    try {
      const result = action();
      if (result) return result;
    } catch (error) {
      if (second >= secondsToWait) throw error;
    }
    if (second >= secondsToWait) throw new Error("MongoDB did not become a primary in time");
    sleep(1000);
  }
}

const login = `${encodeURIComponent(root)}:${encodeURIComponent(rootPassword)}`;
const admin = insist(() => connect(`mongodb://${login}@${member}/admin?directConnection=true`));

let replicaSet = null;  // not `config`: that is a name of mongosh's own
try {
  replicaSet = admin.adminCommand({ replSetGetConfig: 1 }).config;
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
}
if (replicaSet === null) {
  admin.adminCommand({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: member }] } });
  print(`The replica set begins with ${member}`);
} else if (replicaSet.members[0].host !== member) {
  // from compose.yaml to compose.host.yaml, or back
  replicaSet.members[0].host = member;
  replicaSet.version += 1;
  admin.adminCommand({ replSetReconfig: replicaSet, force: true });
  print(`The member of the replica set is now called ${member}`);
}
insist(() => admin.hello().isWritablePrimary);

const roles = [...services, "accounts"].map((name) => ({ role: "readWrite", db: `${prefix}_${name}` }));
if (admin.getUser(user)) {
  admin.updateUser(user, { pwd, roles });
} else {
  admin.createUser({ user, pwd, roles });
  print(`The user ${user} may write the databases ${prefix}_*`);
}
