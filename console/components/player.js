Object.assign(ICONS, {
  captions: "M3 5h18v14H3zM10 10.500a2 2 0 1 0 0 3M17 10.500a2 2 0 1 0 0 3",
  volume: "M4 9v6h4l5 4V5L8 9H4zM16.500 9a4 4 0 0 1 0 6M19 6.500a8 8 0 0 1 0 11",
  muted: "M4 9v6h4l5 4V5L8 9H4zM17 9l5 6M22 9l-5 6",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  window: "M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5",
  link: "M10 14a4 4 0 0 0 6 .500l3-3a4 4 0 0 0-5.700-5.700l-1.500 1.500M14 10a4 4 0 0 0-6-.500l-3 3a4 4 0 0 0 5.700 5.700l1.500-1.500",
  question: "M9 9a3 3 0 1 1 4 3c-.700.400-1 .900-1 2M12 18v.100",
  sound: "M3 11v2M7 8v8M11 4v16M15 8v8M19 10v4",
});
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const KEYS = [
  ["Space, K", "Play or pause"], ["J, L", "10 seconds back, forward"], ["←, →", "5 seconds back, forward"],
  ["N, P", "Next chapter, or the one before"], ["0 to 9", "Go to 0 % to 90 %"], ["M", "Sound off or on"], ["C", "Captions off or on"], ["F", "Full screen"],
  ["?", "This list, while the player has the focus"],
];
const REMEMBERED = "backlot-player";
const MOST_REMEMBERED = 200; // videos
const players = new WeakMap();

function remembered() {
  try { return JSON.parse(localStorage.getItem(REMEMBERED)) ?? {}; } catch { return {}; }
}

function remember(change) {
  const all = remembered();
  change(all);
  const newest = Object.entries(all.videos ?? {}).sort((a, b) => b[1].used - a[1].used).slice(0, MOST_REMEMBERED);
  all.videos = Object.fromEntries(newest);
  try { localStorage.setItem(REMEMBERED, JSON.stringify(all)); } catch { /* a private window: nothing is kept */ }
}

function toolButton(name, label, act) {
  const button = make("button", { className: "tool", attributes: { type: "button" } }, [icon(name)]);
  button.onclick = act;
  button.rename = (drawn, said) => {
    button.replaceChildren(icon(drawn));
    button.title = said;
    button.setAttribute("aria-label", said);
  };
  button.rename(name, label);
  return button;
}

function makePlayer(root) {
  let media = null;
  let shown = { chapters: [], pictures: [] };
  let track = null;
  let frameOfTime = 0;
  let savedAt = 0;
  let wished = null; // seconds that were asked for before the length is known

  const stage = make("div", { className: "stage" });
  const problem = make("p", { className: "notice orange", attributes: { hidden: "", role: "status" } });
  const played = make("span", { className: "played" });
  const loaded = make("span", { className: "loaded" });
  const marks = make("div", { className: "marks" });
  const tipPicture = make("img", { attributes: { alt: "", hidden: "" } });
  const tipText = make("span", { className: "cut" });
  const tipTime = make("span", { className: "numbers strong" });
  const tip = make("div", { className: "tip", attributes: { hidden: "", "aria-hidden": "true" } }, [tipPicture, tipText, tipTime]);
  const seekBar = make("div", {
    className: "seek", attributes: { role: "slider", tabindex: "0", "aria-label": "Position", "aria-valuemin": "0" },
  }, [make("div", { className: "rail" }, [loaded, played])]);
  const bar = make("div", { className: "bar-of-time" }, [seekBar, marks, tip]);
  const playButton = toolButton("play", "Play (Space)", toggle);
  const muteButton = toolButton("volume", "Sound off", () => { media.muted = !media.muted; });
  const volume = make("input", { className: "volume", attributes: { type: "range", min: 0, max: 1, step: 0.05, "aria-label": "Volume" } });
  const time = make("span", { className: "time numbers", text: "0:00 / 0:00" });
  const chapter = make("span", { className: "chapter quiet cut" });
  const captionsButton = toolButton("captions", "Captions", () => showCaptions(!captionsShown()));
  const speed = make("select", { className: "speed", attributes: { "aria-label": "Speed" } },
    SPEEDS.map((value) => make("option", { text: `${value}×`, attributes: { value } })));
  const linkText = make("span", { text: "Copy link at 0:00" });
  const linkButton = make("button", { className: "tool link-at", attributes: { type: "button" } }, [icon("link"), linkText]);
  const helpButton = toolButton("question", "Keys of the player", () => showHelp(help.hidden));
  const fullButton = toolButton("full", "Full screen", toggleFull);
  const help = make("div", { className: "help card", attributes: { hidden: "", role: "dialog", "aria-label": "Keys of the player" } }, [
    make("h3", { text: "Keys" }),
    make("dl", {}, KEYS.flatMap(([key, text]) => [make("dt", { text: key }), make("dd", { text })])),
  ]);
  const tools = make("div", { className: "tools" }, [
    playButton, muteButton, volume, time, chapter, linkButton, captionsButton, speed, helpButton, fullButton,
  ]);
  const frame = make("section", { className: "frame", attributes: { "aria-label": "Player" } }, [stage, bar, tools, help]);
  root.replaceChildren(frame, problem);

  function length() { return Number.isFinite(media?.duration) && media.duration ? media.duration : shown.duration ?? 0; }
  function go(seconds) {
    if (!media) return;
    if (!media.readyState) { wished = seconds; return; }
    media.currentTime = Math.min(Math.max(seconds, 0), length() || seconds);
    draw();
  }
  function play() { media?.play().catch(() => {}); }
  function toggle() { if (media?.paused) play(); else media?.pause(); }
  function toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (frame.requestFullscreen) frame.requestFullscreen();
    else media.webkitEnterFullscreen?.();
  }
  function showHelp(open) {
    help.hidden = !open;
    helpButton.setAttribute("aria-expanded", String(open));
  }
  function captionsShown() { return remembered().captions !== false; }
  function showCaptions(on, keep = true) {
    if (keep) remember((all) => { all.captions = on; });
    captionsButton.hidden = !track;
    captionsButton.setAttribute("aria-pressed", String(on));
    captionsButton.title = on ? "Captions off (C)" : "Captions on (C)";
    captionsButton.setAttribute("aria-label", captionsButton.title);
    if (!track) return;
    // An audio element draws no cues: they are read and shown as a line below the sound.
    track.track.mode = on && !shown.sound_only ? "showing" : on ? "hidden" : "disabled";
    const said = stage.querySelector(".said");
    if (said) said.hidden = !on;
  }
  function putCaptions(address) {
    track?.remove();
    track = null;
    if (address) {
      track = make("track", { attributes: { kind: "captions", label: "Captions", srclang: shown.language || "en", src: address } });
      track.track.oncuechange = () => {
        const said = stage.querySelector(".said");
        if (said) said.textContent = [...(track?.track.activeCues ?? [])].map((cue) => cue.text.replace(/\s+/g, " ")).join(" ");
      };
      media.append(track);
    }
    showCaptions(captionsShown(), false);
  }
  function chapterAt(seconds) { return shown.chapters.findLast((one) => one.start <= seconds + 0.01); }
  // P goes to the beginning of a chapter first, as players of music do.
  function goChapter(direction) {
    const starts = shown.chapters.map((one) => one.start);
    const start = direction > 0
      ? starts.find((one) => one > media.currentTime + 0.1)
      : starts.findLast((one) => one < media.currentTime - 2) ?? starts[0];
    if (start !== undefined) go(start);
  }
  function pictureAt(seconds) {
    return shown.pictures.reduce((best, one) => (!best || Math.abs(one.at - seconds) < Math.abs(best.at - seconds) ? one : best), null);
  }
  function drawChapters() {
    const total = length();
    marks.replaceChildren(...(total ? shown.chapters : []).filter((one) => one.start > 0 && one.start < total).map((one) => {
      const mark = make("button", {
        className: "mark", attributes: { type: "button", tabindex: "-1", "aria-label": `Chapter ${one.title}, from ${clock(one.start)}` },
      });
      mark.style.left = `${(100 * one.start) / total}%`;
      mark.onclick = () => go(one.start);
      return mark;
    }));
  }
  function draw() {
    if (!media) return;
    const now = media.currentTime;
    const total = length();
    const at = clock(now);
    played.style.width = total ? `${(100 * now) / total}%` : "0";
    const ranges = media.buffered;
    loaded.style.width = total && ranges.length ? `${(100 * ranges.end(ranges.length - 1)) / total}%` : "0";
    const current = chapterAt(now);
    seekBar.setAttribute("aria-valuemax", Math.round(total));
    seekBar.setAttribute("aria-valuenow", Math.round(now));
    seekBar.setAttribute("aria-valuetext", `${at} of ${clock(total)}${current ? `, ${current.title}` : ""}`);
    time.textContent = `${at} / ${clock(total)}`;
    chapter.textContent = current?.title ?? "";
    if (!linkButton.dataset.said) linkText.textContent = `Copy link at ${at}`;
    linkButton.setAttribute("aria-label", `Copy link at ${at}`);
    window.dispatchEvent(new CustomEvent("backlot-time", { detail: now }));
  }
  function follow() {
    draw();
    keepPosition();
    // Not every frame: words are a fifth of a second long.
    if (!media.paused) frameOfTime = setTimeout(() => requestAnimationFrame(follow), 60);
  }
  function keepPosition(always) {
    if (!media?.readyState || (!always && Math.abs(media.currentTime - savedAt) < 3)) return;
    savedAt = media.currentTime;
    const nearEnd = media.currentTime > length() - 5;
    remember((all) => {
      all.videos ??= {};
      all.videos[shown.video] = { at: nearEnd ? 0 : media.currentTime, speed: media.playbackRate, used: Date.now() };
    });
  }
  function putMedia() {
    clearTimeout(frameOfTime);
    const kept = remembered();
    const own = kept.videos?.[shown.video] ?? {};
    const asked = Number.parseFloat(new URL(location.href).searchParams.get("t"));
    wished = asked >= 0 ? asked : own.at || null;
    media = playAlone(make(shown.sound_only ? "audio" : "video", { attributes: { preload: "metadata", playsinline: "", "aria-label": shown.title } }));
    media.volume = kept.volume ?? 1;
    media.muted = kept.muted ?? false;
    media.defaultPlaybackRate = SPEEDS.includes(own.speed) ? own.speed : 1;
    media.playbackRate = media.defaultPlaybackRate;
    speed.value = String(media.playbackRate);
    media.onloadedmetadata = () => {
      problem.hidden = true;
      if (wished) media.currentTime = Math.min(wished, media.duration || wished);
      wished = null;
      drawChapters();
      draw();
    };
    media.onerror = () => {
      problem.hidden = false;
      problem.replaceChildren(icon("alert"), make("span", {
        text: "This browser cannot play the file as it is. Download it and play it elsewhere; what was made of it is below.",
      }));
    };
    media.onplay = () => { playButton.rename("pause", "Pause (Space)"); frame.classList.add("plays"); clearTimeout(frameOfTime); follow(); };
    media.onpause = () => { playButton.rename("play", "Play (Space)"); frame.classList.remove("plays", "waits"); draw(); keepPosition(true); };
    media.onseeked = draw;
    media.ontimeupdate = draw;
    media.onprogress = draw;
    media.onwaiting = () => frame.classList.add("waits");
    media.onplaying = media.oncanplay = () => frame.classList.remove("waits");
    media.onratechange = () => { speed.value = String(media.playbackRate); };
    media.onvolumechange = () => { drawVolume(); remember((all) => { all.volume = media.volume; all.muted = media.muted; }); };
    stage.onclick = toggle;
    stage.ondblclick = toggleFull;
    stage.replaceChildren(media, ...(shown.sound_only ? [make("div", { className: "sound" }, [
      icon("sound"), make("p", { className: "wraps strong", text: shown.title }),
      make("p", { className: "said wraps", attributes: { "aria-live": "off" } }),
    ])] : []));
    media.src = shown.source;
    drawVolume();
  }
  function drawVolume() {
    const off = media.muted || media.volume === 0;
    muteButton.rename(off ? "muted" : "volume", off ? "Sound on (M)" : "Sound off (M)");
    volume.value = media.muted ? 0 : media.volume;
    volume.style.setProperty("--part", `${100 * volume.value}%`);
  }
  volume.oninput = () => { media.volume = Number(volume.value); media.muted = false; };
  speed.onchange = () => { media.playbackRate = Number(speed.value); media.defaultPlaybackRate = media.playbackRate; keepPosition(true); };
  linkButton.onclick = async () => {
    const address = new URL(location.pathname, location.origin);
    address.searchParams.set("id", shown.video);
    address.searchParams.set("t", Math.floor(media.currentTime));
    linkButton.dataset.said = "yes";
    await copying.copy(address.href).then(() => { linkText.textContent = "Link copied"; }, () => { linkText.textContent = address.href; });
    setTimeout(() => { delete linkButton.dataset.said; draw(); }, 2000);
  };

  function secondsAt(event) {
    const box = seekBar.getBoundingClientRect();
    return (Math.min(Math.max(event.clientX - box.left, 0), box.width) / box.width) * length();
  }
  seekBar.onpointerdown = (event) => { seekBar.setPointerCapture(event.pointerId); go(secondsAt(event)); };
  bar.onpointermove = (event) => {
    const seconds = secondsAt(event);
    if (seekBar.hasPointerCapture(event.pointerId)) go(seconds);
    const picture = pictureAt(seconds);
    tipPicture.hidden = !picture;
    if (picture && tipPicture.src !== new URL(picture.source, location.href).href) tipPicture.src = picture.source;
    tipText.textContent = chapterAt(seconds)?.title ?? "";
    tipTime.textContent = clock(seconds);
    tip.hidden = !length();
    const box = seekBar.getBoundingClientRect();
    tip.style.left = `${Math.min(Math.max(event.clientX - box.left, tip.offsetWidth / 2), box.width - tip.offsetWidth / 2)}px`;
  };
  bar.onpointerleave = () => { tip.hidden = true; };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !media) return;
    const path = event.composedPath();
    const inside = path.includes(frame) || path.some((node) => node.dataset?.playerKeys !== undefined);
    const focused = document.activeElement;
    const elsewhere = focused && focused !== document.body
      && (focused.shadowRoot || focused.matches("input, textarea, select, button, a, summary, [contenteditable], [role]"));
    if (!inside && elsewhere) return;
    if (path[0].matches?.("input, select, textarea")) return;
    if (path[0].matches?.("button, summary, a") && [" ", "Enter"].includes(event.key)) return;
    const act = {
      " ": toggle, k: toggle, j: () => go(media.currentTime - 10), l: () => go(media.currentTime + 10),
      ArrowLeft: () => go(media.currentTime - 5), ArrowRight: () => go(media.currentTime + 5),
      n: () => goChapter(1), p: () => goChapter(-1),
      c: () => track && showCaptions(!captionsShown()), f: toggleFull, m: () => { media.muted = !media.muted; },
      Home: path[0] === seekBar ? () => go(0) : undefined,
      End: path[0] === seekBar ? () => go(length()) : undefined,
      "?": path.includes(frame) ? () => showHelp(help.hidden) : undefined, Escape: help.hidden ? undefined : () => showHelp(false),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key]
      ?? (/^[0-9]$/.test(event.key) ? () => go((length() * Number(event.key)) / 10) : undefined);
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // Streamlit has keys of its own
    act();
  }
  function onSeek(event) {
    go(event.detail);
    play();
    const box = frame.getBoundingClientRect();
    if (box.bottom < 60 || box.top > window.innerHeight) frame.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }
  const listeners = [
    [window, "keydown", onKey, true],
    [window, "backlot-seek", onSeek],
    [window, "backlot-pause", () => media?.pause()],
    [window, "backlot-corrected", () => track && putCaptions(`${shown.captions}&at=${Date.now()}`)],
    [window, "pagehide", () => keepPosition(true)],
    [document, "fullscreenchange", () => {
      const full = Boolean(document.fullscreenElement);
      fullButton.rename(full ? "window" : "full", full ? "Leave full screen (F)" : "Full screen (F)");
    }],
  ];
  for (const [target, ...rest] of listeners) target.addEventListener(...rest);

  return {
    // Draws what changed and leaves the media alone otherwise: it goes on playing.
    show(data) {
      const before = shown;
      shown = data;
      const fresh = before.source !== data.source || before.sound_only !== data.sound_only;
      if (fresh) putMedia();
      if (data.poster && media.poster !== undefined) media.poster = data.poster;
      if (fresh || before.captions !== data.captions) putCaptions(data.captions);
      drawChapters();
      draw();
    },
    close() {
      keepPosition(true);
      clearTimeout(frameOfTime);
      media?.pause();
      for (const [target, ...rest] of listeners) target.removeEventListener(...rest);
    },
  };
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  if (!players.has(parentElement)) players.set(parentElement, makePlayer(root));
  players.get(parentElement).show(data);
  return () => {
    players.get(parentElement)?.close();
    players.delete(parentElement);
  };
}
