// A PATCH by HTTP/2 in two halves: the second is not sent before a line comes on stdin. Prints the
// answer's headers as JSON. Argument: {"url", "path", "headers", "file", "certificate"} as JSON.
'use strict'

const fs = require('node:fs')
const http2 = require('node:http2')

const asked = JSON.parse(process.argv[2])
const film = fs.readFileSync(asked.file)
const half = film.length / 2

const session = http2.connect(asked.url, { ca: fs.readFileSync(asked.certificate) })
const request = session.request({
  ':method': 'PATCH',
  ':path': asked.path,
  'content-length': film.length,
  ...asked.headers,
})
request.on('response', (headers) => {
  console.log(JSON.stringify(headers))
  session.close()
})
request.resume()
request.write(film.subarray(0, half))
process.stdin.once('data', () => {
  request.end(film.subarray(half))
  process.stdin.destroy()
})
