// Uploads a file with tus-js-client, as a program of somebody else would:
//   node tus_upload.cjs TUS_JS_CLIENT ENDPOINT COOKIE FILE STORAGE [abort]
// Goes on with what STORAGE remembers of the file. With "abort" it gives up after a first
// piece, and has the server forget the upload. The last line of its output is JSON.
const fs = require("node:fs");
const [library, endpoint, cookie, path, storage, mode] = process.argv.slice(2);
const tus = require(library);

const seen = { requests: 0, videoId: null, offsets: [] };

function end(result) {
  console.log(JSON.stringify({ ...seen, ...result }));
  process.exit(0);
}

const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  headers: { Cookie: cookie },
  metadata: { filename: "Ein Füm.mp4", filetype: "video/mp4", category: "Drama" },
  retryDelays: Array(100).fill(100),
  urlStorage: new tus.FileUrlStorage(storage),
  onBeforeRequest: (request) => {
    seen.requests += 1;
    if (request.getMethod() === "PATCH") seen.offsets.push(request.getHeader("Upload-Offset"));
  },
  onAfterResponse: (_, response) => {
    seen.videoId = response.getHeader("Videoflix-Video-Id") ?? seen.videoId;
  },
  chunkSize: mode === "abort" ? 1024 * 1024 : Infinity,
  onChunkComplete: () => {
    if (mode === "abort") {
      upload.abort(true).then(() => end({ aborted: upload.url }), (error) => end({ error: `${error}` }));
    }
  },
  onError: (error) => end({ error: `${error}` }),
  onSuccess: () => end({ url: upload.url }),
});

upload.findPreviousUploads().then((previous) => {
  seen.resumed = previous.length > 0;
  if (previous.length) upload.resumeFromPreviousUpload(previous[0]);
  upload.start();
});
