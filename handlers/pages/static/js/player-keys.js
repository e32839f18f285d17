// The player's keys, wherever the focus is, but not while somebody types or chooses.

import { clock } from "./dom.js";

export const KEYS = [
  ["Space or K", "play, pause"],
  ["← →", "5 seconds back, forward"],
  ["J L", "10 seconds back, forward"],
  ["↑ ↓", "louder, quieter"],
  ["M", "sound off, on"],
  ["C", "subtitles"],
  ["< >", "slower, faster"],
  ["0 … 9", "to a tenth of the film"],
  ["P", "picture in picture"],
  ["F", "full screen"],
];

const TYPING = "input:not([type=range]), textarea, select, dialog[open] form *";

function actionsOf(player) {
  const { video } = player;
  const by = (seconds) => () => player.seek(video.currentTime + seconds);
  const louder = (step) => () => player.setVolume(video.volume + step);
  return {
    " ": () => player.toggle(), k: () => player.toggle(),
    ArrowLeft: by(-5), ArrowRight: by(5), j: by(-10), l: by(10),
    ArrowUp: louder(0.1), ArrowDown: louder(-0.1),
    m: () => player.toggleMute(), c: () => player.toggleText(),
    f: () => player.toggleFull(), p: () => player.toggleInset(),
    "<": () => player.stepSpeed(-1), ">": () => player.stepSpeed(1),
    Home: () => player.seek(0), End: () => player.seek(video.duration),
  };
}

/** Listen until `signal` is aborted. */
export function listenToKeys(player, signal) {
  const actions = actionsOf(player);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape") {
      if (player.closeMenu()) event.preventDefault(); // and no dialog around it
      return;
    }
    if (event.target.matches(TYPING)) return;
    if (event.key === " " && event.target.closest("button, a, summary")) return; // presses that
    if (event.target.closest(".player") === null && event.target.closest("a, button, summary") && event.key.startsWith("Arrow")) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const digit = /^[0-9]$/.test(name) ? Number(name) : -1;
    const action = digit >= 0 ? () => player.seek((player.video.duration * digit) / 10) : actions[name];
    if (!action) return;
    event.preventDefault();
    action();
    player.wake();
  }, { signal });
}

export function placeWords(video) {
  return `${clock(video.currentTime)} of ${clock(video.duration)}`;
}
