// The small pictures of the seek bar: WebVTT whose cues name areas of sheets (`#xywh=`, Media
// Fragments URI 1.0 §4.2.2).

const CUE = /^(?:(\d+):)?(\d\d):(\d\d\.\d{3}) --> (?:(\d+):)?(\d\d):(\d\d\.\d{3})$/;

const seconds = (hours, minutes, rest) => Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(rest);

export function parse(text, base) {
  const found = [];
  for (const block of text.split("\n\n")) {
    const [times, target] = block.trim().split("\n");
    const time = CUE.exec(times ?? "");
    const area = /^(.+)#xywh=(\d+),(\d+),(\d+),(\d+)$/.exec(target ?? "");
    if (!time || !area) continue;
    const [x, y, width, height] = area.slice(2).map(Number);
    found.push({
      start: seconds(time[1], time[2], time[3]),
      end: seconds(time[4], time[5], time[6]),
      url: new URL(area[1], base).href,
      x, y, width, height,
    });
  }
  return found;
}

/** The pictures of a film; none where there is no storyboard. */
export async function storyboard(path, get) {
  try {
    return parse(await get(path), new URL(`/api/${path}`, location.href));
  } catch {
    return [];
  }
}

/** The picture of a moment. */
export function pictureAt(pictures, moment) {
  let [low, high] = [0, pictures.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pictures[middle].start <= moment) low = middle;
    else high = middle - 1;
  }
  return pictures[low];
}
