// What the tests of the pages ask of a document, through every open shadow root. Evaluates to one object of functions.
(() => {
  const elements = (root) =>
    [...root.querySelectorAll("*")].flatMap((one) => [one, ...(one.shadowRoot ? elements(one.shadowRoot) : [])]);
  const above = (one) => one.assignedSlot ?? one.parentElement ?? one.getRootNode().host ?? null;

  function path(one) {
    const names = [];
    for (let at = one; at && names.length < 4; at = above(at)) {
      const label = at.dataset?.testid ?? at.getAttribute("class") ?? "";
      names.unshift(`${at.localName}${label ? `.${label.trim().split(/\s+/).slice(0, 2).join(".")}` : ""}`);
    }
    return names.join(" > ");
  }

  // A colour as red, green, blue of 255 and alpha of 1, whatever its notation: the canvas knows them all.
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  function colour(text) {
    if (!known.has(text)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = "#000";
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(text, [red, green, blue, alpha / 255]);
    }
    return known.get(text);
  }
  const over = (top, under) => [0, 1, 2].map((part) => top[part] * top[3] + under[part] * (1 - top[3])).concat(1);
  function luminance(one) {
    const [red, green, blue] = one.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }
  function ratio(one, other) {
    const [dark, light] = [luminance(one), luminance(other)].sort((left, right) => left - right);
    return (light + 0.05) / (dark + 0.05);
  }

  // Everything painted at a point, topmost first, also what lets the pointer through.
  function painted(x, y, root = document) {
    const found = [];
    for (const one of root.elementsFromPoint(x, y)) {
      if (one.shadowRoot && one.shadowRoot !== root) {
        const inside = painted(x, y, one.shadowRoot).filter((part) => !found.includes(part) && part !== one);
        found.push(...inside.filter((part) => part.getRootNode() !== root || root !== document));
      }
      if (!found.includes(one)) found.push(one);
    }
    return found;
  }
  function pierce(on) {
    for (const root of [document, ...elements(document).map((one) => one.shadowRoot).filter(Boolean)]) {
      const holder = root === document ? document.head : root;
      holder.querySelector("style[data-pierce]")?.remove();
      if (on) {
        const style = document.createElement("style");
        style.dataset.pierce = "";
        style.textContent = "* { pointer-events: auto !important; transition: none !important; animation: none !important; }";
        holder.append(style);
      }
    }
  }

  function opacity(one) {
    let whole = 1;
    for (let at = one; at; at = above(at)) whole *= Number(getComputedStyle(at).opacity);
    return whole;
  }
  function shown(one) {
    for (let at = one; at; at = above(at)) {
      const style = getComputedStyle(at);
      if (style.display === "none" || Number(style.opacity) === 0 || style.contentVisibility === "hidden") return false;
      if (style.clipPath.startsWith("inset(50%")) return false;
    }
    return getComputedStyle(one).visibility === "visible";
  }

  const PICTURES = new Set(["img", "video", "canvas", "svg"]);
  // The least contrast of a text of this colour in this box, or null where the box is not to be seen.
  function contrast(one, text, box) {
    const x = box.left + Math.min(box.width / 2, 12);
    const y = box.top + box.height / 2;
    const stack = painted(x, y);
    const place = stack.indexOf(one);
    if (place < 0) return null;
    const layers = [];
    let ground = null;
    for (const at of stack.slice(place)) {
      const style = getComputedStyle(at);
      if (at !== one && PICTURES.has(at.localName)) { ground = "picture"; break; }
      if (style.backgroundImage !== "none") { ground = "picture"; break; }
      const [red, green, blue, alpha] = colour(style.backgroundColor);
      const real = alpha * opacity(at);
      if (real > 0) layers.push([red, green, blue, real]);
      if (real >= 0.999) { ground = "colour"; break; }
    }
    const least = ground === "picture" ? [[0, 0, 0, 1], [255, 255, 255, 1]] : [[255, 255, 255, 1]];
    return Math.min(...least.map((under) => {
      const back = layers.reduceRight((below, layer) => over(layer, below), under);
      const [red, green, blue, alpha] = colour(text);
      return ratio(over([red, green, blue, alpha * opacity(one)], back), back);
    }));
  }

  // Each text whose contrast is below what it needs, once for each place and colour.
  function pale(least) {
    pierce(true);
    const found = new Map();
    let looked = 0;
    const judge = (one, text, box, said) => {
      if (!box.width || !box.height || !shown(one)) return;
      const disabled = one.closest("[disabled], [aria-disabled=true], fieldset:disabled");
      if (disabled && one.getRootNode() === document) return; // Streamlit's own, and not to be used now
      const value = contrast(one, text, box);
      if (value === null) return;
      looked += 1;
      const symbol = getComputedStyle(one).fontFamily.includes("Material Symbols");
      if (value < (symbol ? 3 : least) - 0.005) {
        found.set(`${path(one)} ${text}`, `${value.toFixed(2)} "${said.trim().slice(0, 40)}" ${text} in ${path(one)}`);
      }
    };
    for (const one of elements(document)) {
      if (["script", "style", "noscript", "title", "option", "path"].includes(one.localName)) continue;
      if (one.namespaceURI !== "http://www.w3.org/1999/xhtml") continue;
      const style = getComputedStyle(one);
      for (const node of one.childNodes) {
        if (node.nodeType !== Node.TEXT_NODE || !node.textContent.trim()) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        judge(one, style.color, range.getClientRects()[0] ?? new DOMRect(), node.textContent);
      }
      if (one.matches("input:not([type=checkbox], [type=radio], [type=range], [type=file]), textarea, select")) {
        const placeholder = !one.value && one.placeholder;
        if (one.value || placeholder) {
          judge(one, placeholder ? getComputedStyle(one, "::placeholder").color : style.color,
            one.getBoundingClientRect(), one.value || one.placeholder);
        }
      }
    }
    pierce(false);
    return { looked, pale: [...found.values()] };
  }

  const usable = "a[href], button, input:not([type=hidden]), select, textarea, summary, video[controls], audio[controls],"
    + " [role=button], [role=tab], [role=link], [role=menuitem], [role=switch], [role=slider]";

  // What a mouse can press now, each with a mark that the walk by keyboard finds again.
  function pressable() {
    const found = [];
    for (const one of elements(document)) {
      const pointed = getComputedStyle(one).cursor === "pointer";
      const begins = pointed && !(above(one) && getComputedStyle(above(one)).cursor === "pointer");
      if (!one.matches(usable) && !begins && !one.onclick) continue;
      if (one.matches(":disabled, [aria-disabled=true]") || one.closest("[inert]")) continue;
      const box = one.getBoundingClientRect();
      if (box.width < 2 || box.height < 2 || !shown(one)) continue;
      one.dataset.pressable = String(found.length);
      found.push(path(one));
    }
    return found;
  }
  function focused() {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at;
  }
  const inside = (outer, one) => {
    for (let at = one; at; at = above(at)) if (at === outer) return true;
    return false;
  };
  const primary = ["LIGHT_THEME", "DARK_THEME"].map((theme) => colour(window.__streamlit[theme].primaryColor).join());
  const ring = (style) =>
    (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== "none"
    || (style.borderStyle !== "none" && primary.includes(colour(style.borderTopColor).join()));

  // Which of the marks the focus stands for now, whether it can be seen, and where the walk is.
  function here() {
    const at = focused();
    if (!at || at === document.body) return null;
    const marks = [];
    let visible = at.localName === "video"; // the browser's own controls show where the focus is
    for (let one = at, steps = 0; one && steps < 6; one = above(one), steps += 1) {
      visible ||= ring(getComputedStyle(one));
      // What holds the focused part answers to it too, unless it can be pressed itself.
      if (one.dataset?.pressable && (one === at || !one.matches(usable))) marks.push(one.dataset.pressable);
    }
    for (const one of elements(document)) {
      if (!one.dataset.pressable || one === at) continue;
      // A row that has the focus answers by keys for what stands in it.
      const within = inside(at, one) && (!one.matches(usable) || (!at.matches(usable) && one.tabIndex < 0));
      if ((one.localName === "label" && one.control === at) || within) marks.push(one.dataset.pressable);
    }
    at.dataset.visited ??= String(elements(document).filter((one) => one.dataset.visited).length);
    return { marks, visible, path: path(at), visited: at.dataset.visited };
  }

  // Gives the focus to the one part of a group that Tab goes to, where arrows lead to the others: how many, or null.
  function enter(mark) {
    const one = elements(document).find((at) => at.dataset.pressable === mark);
    for (const part of [one, one && above(one)?.closest("[tabindex]")]) {
      if (!part || part.tabIndex >= 0) continue;
      for (let group = above(part), steps = 0; group && steps < 4; group = above(group), steps += 1) {
        const members = [...group.querySelectorAll(part.localName)].filter((at) => at.hasAttribute("tabindex"));
        const stop = members.find((at) => at.tabIndex >= 0);
        if (stop) {
          stop.focus();
          return members.length;
        }
      }
    }
    return null;
  }

  // Whether everything is drawn in this theme: a component hears of a change a moment after the page.
  function themed(name) {
    const wanted = colour(window.__streamlit[`${name.toUpperCase()}_THEME`].primaryColor).join();
    const hosts = elements(document).filter((one) => one.shadowRoot);
    const app = document.querySelector("[data-testid=stApp]");
    return getComputedStyle(app).colorScheme === name
      && hosts.every((one) => colour(getComputedStyle(one).getPropertyValue("--st-primary-color").trim()).join() === wanted);
  }

  return { pale, pressable, here, enter, themed };
})()
