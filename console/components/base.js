// Everything that people or models wrote enters the page through textContent here, never as HTML.
function make(tag, { className, text, attributes } = {}, children = []) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined && text !== null) element.textContent = text;
  for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, position) => (position ? String(part).padStart(2, "0") : String(part))).join(":");
}

function bytes(size) {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) { size /= 1024; unit += 1; }
  return `${unit && size < 100 && size % 1 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
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
