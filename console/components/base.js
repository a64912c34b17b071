// Everything that people or models wrote enters the page through textContent here, never as HTML.
function make(tag, { className, text, attributes } = {}, children = []) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined && text !== null) element.textContent = text;
  for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Drawn on a square of 24 with a line of 2; what an icon means is said by the text or the label beside it.
const ICONS = {
  alert: "M12 3 2 20h20L12 3zM12 10v4M12 17v.5",
  back: "M19 12H5M11 18l-6-6 6-6",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4l2-2zM10 21h4",
  check: "M5 13l4 4L19 7",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 2",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  cross: "M6 6l12 12M18 6 6 18",
  down: "M6 9l6 6 6-6",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  edit: "M4 20l1-5L16 4l4 4L9 19l-5 1zM14 6l4 4",
  film: "M4 4h16v16H4zM8 4v16M16 4v16M4 9h4M4 15h4M16 9h4M16 15h4",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v6M12 7v.5",
  list: "M4 6h16M4 12h16M4 18h16",
  more: "M5 12h.1M12 12h.1M19 12h.1",
  pause: "M8 5v14M16 5v14",
  play: "M7 4l13 8-13 8V4z",
  retry: "M20 12a8 8 0 1 1-2.5-5.8M20 3v5h-5",
  scissors: "M6 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM6 21a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM20 4 8.5 15.5M20 20 8.5 8.5",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM21 21l-5-5",
  star: "M12 3l2.8 5.8 6.2.9-4.5 4.4 1.1 6.3L12 17.4l-5.6 3 1.1-6.3L3 9.7l6.2-.9L12 3z",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v6M14 11v6",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16",
};

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  const attributes = {
    class: "icon", viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "2",
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  };
  for (const [key, value] of Object.entries(attributes)) drawing.setAttribute(key, value);
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, position) => (position ? String(part).padStart(2, "0") : String(part))).join(":");
}

function bytes(size) {
  if (size === 1) return "1 byte";
  const units = ["bytes", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (Math.round(size) >= 1024 && unit < units.length - 1) { size /= 1024; unit += 1; }
  const whole = !unit || size >= 99.95 || size % 1 === 0;
  return `${whole ? Math.round(size).toLocaleString("en") : size.toFixed(1)} ${units[unit]}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone; // of whoever looks

function count(number) { return number.toLocaleString("en"); }

function timeOfDay(at) {
  const then = new Date(at);
  return [then.getHours(), then.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}

// A time in the viewer's zone, as moment() in look.py writes it.
function when(at) {
  const [then, now] = [new Date(at), new Date()];
  if (then.toDateString() === now.toDateString()) return `today ${timeOfDay(then)}`;
  const day = `${then.getDate()} ${MONTHS[then.getMonth()]}`;
  return then.getFullYear() === now.getFullYear() ? `${day} ${timeOfDay(then)}` : `${day} ${then.getFullYear()}`;
}

// The same as an element that says the second and the zone too, to who points at it.
function timeTag(at) {
  const then = new Date(at);
  const seconds = String(then.getSeconds()).padStart(2, "0");
  const whole = `${then.getDate()} ${MONTHS[then.getMonth()]} ${then.getFullYear()}, ${timeOfDay(then)}:${seconds} (${ZONE})`;
  return make("time", { text: when(then), attributes: { datetime: then.toISOString(), title: whole } });
}

// Of all that plays in a tab one is heard: what begins stops what played before.
function playAlone(media) {
  media.addEventListener("play", () => {
    if (window.backlotPlaying !== media) window.backlotPlaying?.pause();
    window.backlotPlaying = media;
  });
  return media;
}

// The player and whatever shows times talk through the window: they are separate components.
function seek(seconds) { window.dispatchEvent(new CustomEvent("backlot-seek", { detail: seconds })); }

function timeButton(seconds) {
  const button = make("button", {
    className: "link", text: clock(seconds), attributes: { type: "button", title: "Play from here" },
  });
  button.onclick = () => seek(seconds);
  return button;
}
