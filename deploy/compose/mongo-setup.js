// For mongosh: makes the replica set of one member, and the account that Videoflix uses, which may
// read and write its database and nothing else. Run again, it sets the account's password anew.

const host = process.env.MONGO_HOST || 'mongo:27017'
const root = encodeURIComponent(process.env.MONGO_ROOT_PASSWORD)
db = connect(`mongodb://root:${root}@${host}/admin?directConnection=true`)

try {
  rs.status()
} catch (error) {
  if (error.codeName !== 'NotYetInitialized') throw error
  rs.initiate({ _id: 'rs0', members: [{ _id: 0, host }] })
}

const deadline = Date.now() + 60_000
while (!db.hello().isWritablePrimary) {
  if (Date.now() > deadline) throw new Error('the replica set has no primary')
  sleep(200)
}

const own = db.getSiblingDB('videoflix')
const account = {
  pwd: process.env.MONGO_PASSWORD,
  roles: [{ role: 'readWrite', db: 'videoflix' }],
}
if (own.getUser('videoflix') === null) {
  own.createUser({ user: 'videoflix', ...account })
} else {
  own.updateUser('videoflix', account)
}
print('the database is ready')
