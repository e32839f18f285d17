// The stream of what happens to films (server-sent events). It ends with the access token: it is
// opened anew, with a new one, and tells then that what came in between has to be looked up.

import { expire, fresh } from "../session.js";

const AGAIN = 3000; // milliseconds

/** Listen until the returned function is called. `handlers`: start(data), video(record), deleted(data).
 *  `told(isThere)` hears when the stream could not be had twice, and when it is there again. */
export function listen(handlers, told = () => {}) {
  let source = null;
  let timer = 0;
  let isOver = false;
  let isOpen = false;
  let failures = 0; // tries in a row that did not even begin

  const failed = () => {
    source?.close();
    if (isOver) return;
    if (!isOpen) failures += 1;
    isOpen = false;
    if (failures === 1) expire(); // perhaps the session is over; once, for refreshes are counted
    if (failures === 2) told(false);
    timer = setTimeout(open, AGAIN);
  };
  const open = async () => {
    try {
      await fresh();
    } catch {
      failed();
      return;
    }
    if (isOver) return;
    source = new EventSource("/api/admin/events/");
    source.addEventListener("open", () => {
      if (failures > 1) told(true);
      failures = 0;
      isOpen = true;
    });
    source.addEventListener("error", failed);
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
  };

  // Browsers keep pages that were left, to come back to, and a stream with them: six of those, and
  // no request of this origin gets through any more (HTTP/1.1).
  const pause = () => {
    clearTimeout(timer);
    source?.close();
  };
  const goOn = ({ persisted }) => { if (persisted) open(); };
  window.addEventListener("pagehide", pause);
  window.addEventListener("pageshow", goOn);

  open();
  return () => {
    isOver = true;
    pause();
    window.removeEventListener("pagehide", pause);
    window.removeEventListener("pageshow", goOn);
  };
}
