function clipCard(clip) {
  const player = make("video", { attributes: { controls: "", preload: "none", playsinline: "" } });
  if (clip.poster) player.poster = clip.poster;
  const download = make("a", { text: "Download", attributes: { download: "" } });
  const buttons = clip.formats.map((format) => {
    const button = make("button", { text: format.name, attributes: { type: "button" } });
    button.onclick = () => choose(format);
    return button;
  });
  function choose(format) {
    player.src = format.source;
    download.href = `${format.source}?download=1`;
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.textContent === format.name)));
  }
  if (clip.formats.length) choose(clip.formats[0]);
  const factors = clip.factors.map((factor) => {
    const fill = make("span");
    fill.style.width = `${factor.value * 100}%`;
    return make("div", { className: "factor" }, [
      make("span", { className: "wraps", text: factor.name }),
      make("span", { className: "numbers", text: `${Math.round(factor.value * 100)}%` }),
      make("div", { className: "bar" }, [fill]),
      make("span", { className: "quiet wraps", text: factor.reason }),
    ]);
  });
  return make("article", { className: "card" }, [
    player,
    make("div", { className: "line" }, [make("span", { className: "formats" }, buttons), download]),
    make("h2", { className: "wraps", text: clip.title }),
    make("p", { className: "quiet numbers" }, [
      timeButton(clip.start), ` to ${clock(clip.end)} · ${clock(clip.end - clip.start)} long`,
    ]),
    make("details", {}, [
      make("summary", { text: "What is said" }), make("p", { className: "quiet wraps", text: clip.text }),
    ]),
    make("details", {}, [
      make("summary", { text: `Score ${Math.round(clip.score)} of 100: why` }),
      make("div", { className: "factors" }, [
        ...factors, make("p", { className: "quiet", text: "A heuristic, not a forecast: it compares passages of this video." }),
      ]),
    ]),
  ]);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  const wanted = JSON.stringify(data.clips);
  if (root.dataset.wanted === wanted) return;
  root.dataset.wanted = wanted;
  root.replaceChildren(make("div", { className: "grid" }, data.clips.map(clipCard)));
}
