// Small helpers around the DOM. Text is always set as text, never as HTML.

/** An element. `properties` are set as properties; `class`, `aria-*`, `data-*`, `role`, `for` and
 *  SVG-like names as attributes; `on` holds listeners by event. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name in element && !/^(class|role|aria-|data-|list|form)/.test(name)) {
      element[name] = value;
    } else {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function show(place, ...children) {
  place.replaceChildren(...children.flat().filter(Boolean));
}

/** Tell screen readers. The same words twice are said twice. */
export function say(text) {
  const place = document.getElementById("said");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

/** Show a view: its title in the tab, its heading in focus. Dialogs of the view before are over. */
export function enter(title, ...children) {
  const main = document.getElementById("main");
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  show(main, ...children);
  document.title = title ? `${title} – Videoflix` : "Videoflix";
  const heading = main.querySelector("h1");
  if (heading) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
  window.scrollTo(0, 0);
}

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  play: "M7 4.5v15l13-7.5z",
  pause: "M6 4.5h4v15H6zM14 4.5h4v15h-4z",
  replay: "M12 5V1L6 6l6 5V7a5.5 5.5 0 1 1-5.5 5.5h-2A7.5 7.5 0 1 0 12 5z",
  back: "M11 6v12l-8.5-6zM20.5 6v12L12 12z",
  forward: "M13 6v12l8.5-6zM3.5 6v12L12 12z",
  loud: "M4 9v6h4l5 5V4L8 9zM15.5 8.2v7.6a4.3 4.3 0 0 0 0-7.6zM15.5 3.6v2.2a6.6 6.6 0 0 1 0 12.4v2.2a8.7 8.7 0 0 0 0-16.8z",
  mute: "M4 9v6h4l5 5V4L8 9zm17.2.6-1.3-1.3-2.2 2.3-2.3-2.3-1.3 1.3 2.3 2.3-2.3 2.3 1.3 1.3 2.3-2.3 2.2 2.3 1.3-1.3-2.2-2.3z",
  captions: "M4 5h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2zm1 6v2h5v-2zm7 0v2h7v-2zm-7 4v2h9v-2zm11 0v2h3v-2z",
  settings: "M19.4 13a7.6 7.6 0 0 0 0-2l2-1.6-2-3.4-2.4 1a7 7 0 0 0-1.7-1L15 3.5h-4L10.600 6a7 7 0 0 0-1.700 1l-2.400-1-2 3.400 2 1.600a7.600 7.600 0 0 0 0 2l-2 1.600 2 3.400 2.400-1a7 7 0 0 0 1.700 1l.4 2.500h4l.4-2.500a7 7 0 0 0 1.700-1l2.400 1 2-3.400zM13 15.200a3.200 3.200 0 1 1 0-6.400 3.200 3.200 0 0 1 0 6.400z",
  inset: "M3 5h18a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zm1 2v10h16V7zm8 5h6.500v4H12z",
  full: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
  small: "M8 4h2v6H4V8h4zM14 4h2v4h4v2h-6zM4 14h6v6H8v-4H4zM14 14h6v2h-4v4h-2z",
  search: "M10 3a7 7 0 0 1 5.600 11.200l5.100 5.100-1.400 1.400-5.100-5.100A7 7 0 1 1 10 3zm0 2a5 5 0 1 0 0 10 5 5 0 0 0 0-10z",
  left: "M15.500 4.500 8 12l7.500 7.500 1.500-1.500-6-6 6-6z",
  right: "M8.500 4.500 16 12l-7.500 7.500L7 18l6-6-6-6z",
  close: "M5.600 4.200 12 10.600l6.400-6.400 1.400 1.400L13.400 12l6.400 6.400-1.400 1.400L12 13.400l-6.400 6.400-1.400-1.400 6.400-6.400-6.400-6.400z",
  film: "M4 5h16a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zm1 2v2h2V7zm0 4v2h2v-2zm0 4v2h2v-2zm12-8v2h2V7zm0 4v2h2v-2zm0 4v2h2v-2zM9 7v10h6V7z",
  upload: "M11 16V7.800L7.400 11.400 6 10l6-6 6 6-1.400 1.400L13 7.800V16zM4 18h16v2H4z",
};

/** A picture without a name: the element around it has one. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows a picture and is called `label`. */
export function iconButton(name, label, listener, extra = {}) {
  return el(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click: listener }, ...extra },
    icon(name),
  );
}

/** Seconds as 1:02:03 or 2:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Load a classic script once. Rejects when it cannot be had. */
export function loadScript(url, integrity) {
  return new Promise((resolve, reject) => {
    const script = el("script", { src: url });
    if (integrity) {
      script.integrity = integrity;
      script.crossOrigin = "anonymous";
    }
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => {
      script.remove();
      reject(new Error(`${url} cannot be loaded`));
    });
    document.head.append(script);
  });
}

document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault(); // its hash would be taken for a view
  document.getElementById("main").focus();
});
