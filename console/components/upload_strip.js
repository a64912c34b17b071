const mounted = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#root");
  const state = mounted.get(parentElement) ?? { close() {}, parts: null };
  mounted.set(parentElement, state);
  state.close();

  function build() {
    const what = make("a", { className: "what cut strong", attributes: { href: data.address } });
    const facts = make("span", { className: "facts quiet numbers cut" });
    const button = make("button", { className: "button small square", attributes: { type: "button" } });
    const fill = make("span");
    const bar = make("div", {
      className: "bar", attributes: { role: "progressbar", "aria-label": "All uploads", "aria-valuemin": 0, "aria-valuemax": 100 },
    }, [fill]);
    what.onclick = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      setTriggerValue("opened", "upload");
    };
    button.onclick = () => (uploads.together().isPaused ? uploads.goAll() : uploads.pauseAll());
    root.className = "strip";
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", "Uploads");
    root.replaceChildren(what, button, facts, bar);
    return { what, facts, button, fill, bar };
  }

  function draw() {
    const { open, size, sent, rate, left, isPaused, trouble, asked } = uploads.together();
    root.hidden = uploads.isListShown() || !(open.length || asked);
    if (root.hidden) return;
    const parts = (state.parts ??= build());
    const share = size ? sent / size : 0;
    const count = open.length === 1 ? open[0].name : `${open.length} files`;
    parts.what.textContent = open.length ? `${isPaused ? "Paused" : "Uploading"}: ${count}` : "A file was uploaded before";
    parts.facts.textContent = trouble?.message || (!open.length ? "Open it, or upload it anyway." : [
      `${Math.floor(share * 100)}% of ${bytes(size)}`, rate ? `${bytes(rate)}/s` : "", left && !isPaused ? sendingLeft(left) : "",
    ].filter(Boolean).join(" · "));
    parts.facts.classList.toggle("trouble", Boolean(trouble));
    parts.fill.style.width = `${share * 100}%`;
    parts.bar.setAttribute("aria-valuenow", Math.floor(share * 100));
    parts.button.hidden = !open.length;
    const wanted = isPaused ? "Resume all uploads" : "Pause all uploads";
    if (parts.button.getAttribute("aria-label") !== wanted) {
      parts.button.setAttribute("aria-label", wanted);
      parts.button.title = wanted;
      parts.button.replaceChildren(icon(isPaused ? "play" : "pause"));
    }
  }
  const stop = uploads.watch(draw);
  state.close = () => { stop(); state.close = () => {}; };
  draw();
  return () => state.close();
}
