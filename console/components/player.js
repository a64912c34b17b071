const closers = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  const wanted = JSON.stringify([data.source, data.captions]);
  if (root.dataset.wanted !== wanted) {
    root.dataset.wanted = wanted;
    const media = make(data.sound_only ? "audio" : "video", {
      attributes: { controls: "", preload: "metadata", src: data.source, playsinline: "" },
    });
    if (data.poster) media.poster = data.poster;
    if (data.captions) {
      media.append(make("track", {
        attributes: { kind: "captions", label: "Captions", srclang: data.language || "en", src: data.captions },
      }));
    }
    const problem = make("p", { className: "quiet problem", attributes: { hidden: "", role: "status" } });
    media.onerror = () => {
      problem.hidden = false;
      problem.textContent = "This browser cannot play the file as it is. It can be downloaded and played elsewhere.";
    };
    media.ontimeupdate = () => window.dispatchEvent(new CustomEvent("backlot-time", { detail: media.currentTime }));
    root.replaceChildren(media, problem);
  }
  const jump = (event) => {
    const media = root.firstElementChild;
    media.currentTime = event.detail;
    media.play();
    media.scrollIntoView({ block: "nearest", behavior: "smooth" });
  };
  closers.get(parentElement)?.();
  window.addEventListener("backlot-seek", jump);
  closers.set(parentElement, () => window.removeEventListener("backlot-seek", jump));
  return () => closers.get(parentElement)?.();
}
