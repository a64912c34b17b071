const SOON_MS = 300;  // several changes at once are one
const kept = new WeakMap();

function isSending(upload) {
  return (window.backlotUploads?.items ?? []).some(
    (item) => item.name === upload.name && item.file?.size === upload.size && !["refused", "stopped"].includes(item.state),
  );
}

function still(card, ...over) {
  return make("span", { className: "still" }, [
    ...(card.picture ? [make("img", { className: "picture", attributes: { src: card.picture, alt: "" } })] : [icon("film")]),
    ...(card.duration ? [make("span", { className: "length numbers", text: card.duration })] : []),
    ...over,
  ]);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#root");
  const memory = kept.get(parentElement) ?? { stop() {}, asked: "", timer: 0 };
  kept.set(parentElement, memory);
  memory.stop();

  // A link that can be opened in a tab of its own; a plain click stays in this one.
  function link(element, ask, value) {
    element.onclick = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      setTriggerValue(ask, value);
    };
    return element;
  }
  const toVideo = (card, className, children, key) => link(make("a", {
    className, attributes: { href: `/video?id=${encodeURIComponent(card.id)}`, "data-key": `${key}-${card.id}` },
  }, children), "opened", card.id);
  const toPage = (address, className, text, children = []) => link(make("a", {
    className, attributes: { href: address, "data-key": `${text}${address}` },
  }, [...children, ...(text ? [text] : [])]), "gone", address.slice(1));
  const act = (text, name, ask, value, className = "button small") => {
    const button = make("button", { className, attributes: { type: "button", "data-key": `${ask}-${value}` } }, [icon(name), text]);
    button.onclick = () => { button.disabled = true; setTriggerValue(ask, value); };
    return button;
  };
  const section = (title, more, children) => make("section", { attributes: { "aria-label": title } }, [
    make("div", { className: "head" }, [make("h2", { text: title }), ...(more ? [more] : [])]), ...children,
  ]);
  const all = (more) => (more ? toPage(more.address, "", `All ${more.count}`) : null);

  const moving = [];
  function runningCard(card) {
    const fill = make("span");
    const bar = make("span", { className: "bar", attributes: { role: "progressbar", "aria-label": card.title, "aria-valuemin": 0, "aria-valuemax": 100 } }, [fill]);
    const [headline, rest, detail] = ["wraps", "quiet", "quiet cut"].map((className) => make("span", { className: `numbers ${className}` }));
    moving.push(() => {
      const seen = live.video(card.id);
      const job = seen?.job_id === card.job_id && live.isUnfinished(seen) ? seen : card;
      const percent = live.held(card.job_id, Math.max(card.percent, job.percent));
      const words = jobWords({ ...job, percent });
      fill.style.width = `${percent}%`;
      bar.setAttribute("aria-valuenow", Math.floor(percent));
      headline.textContent = words.headline;
      rest.textContent = live.state === "away" ? "Updates interrupted" : words.left;
      detail.textContent = [card.owner, words.detail || card.when].filter(Boolean).join(" · ");
    });
    return make("li", {}, [toVideo(card, "card run", [
      still(card),
      make("span", { className: "side" }, [
        make("span", { className: "title wraps", text: card.title }), bar, make("span", { className: "words" }, [headline, rest]), detail,
      ]),
    ], "run")]);
  }

  const need = (sign, colour, title, text, actions) => make("li", {}, [
    make("span", { className: `sign ${colour}` }, [icon(sign)]),
    make("div", {}, [title, make("p", { className: "quiet wraps", text })]),
    make("div", { className: "line" }, actions),
  ]);
  function needs() {
    const rows = data.failed.map((card) => need(
      "alert", "red", toVideo(card, "strong wraps", [card.title], "failed"),
      [card.owner, card.reason || "It failed. Open it to see why."].filter(Boolean).join(" · "),
      card.may_retry ? [act("Try again", "retry", "retried", card.job_id)] : [],
    ));
    for (const upload of data.uploads.filter((one) => !isSending(one))) {
      rows.push(need(
        "upload", "", make("span", { className: "strong wraps", text: `${upload.name} stands at ${upload.percent}%` }),
        `${upload.amount} arrived, ${upload.when}. Choose the same file again: it goes on from there.`,
        [toPage(data.upload_address, "button small", "Choose the file", [icon("upload")])],
      ));
    }
    if (data.waiting) {
      rows.push(need("clock", "yellow", make("span", { className: "strong", text: data.waiting.title }), data.waiting.text, []));
    }
    if (!rows.length) return [];
    const own = data.uploads_allowed && !data.everybody;
    return [section(own ? "Needs you" : "Needs somebody", all(data.failed_more), [make("ul", { className: "needs" }, rows)])];
  }

  const finishedCard = (card) => make("li", {}, [toVideo(card, "card done", [
    still(card, ...(card.is_new ? [make("span", { className: "new", text: "New", attributes: { "data-video": card.id } })] : [])),
    make("span", { className: "text" }, [
      make("span", { className: "title wraps", text: card.title }),
      make("span", { className: "strong", text: card.made }),
      make("span", { className: "quiet cut", text: [card.owner, card.when].filter(Boolean).join(" · ") }),
    ]),
  ], "done")]);

  allowances.take(data.limits);
  const meters = limitList();
  const limits = () => make("aside", {}, [make("h2", { text: "Your limits" }), make("div", { className: "card" }, [meters.list])]);

  function hero() {
    const art = (className, children, name) => make("figure", {}, [
      make("div", { className: `art ${className}`, attributes: { "aria-hidden": "true" } }, children), make("figcaption", { className: "quiet", text: name }),
    ]);
    const frame = () => make("img", { attributes: { src: "/app/static/sample.jpg", alt: "" } });
    const actions = data.uploads_allowed
      ? [toPage(data.upload_address, "button first", "Upload a video", [icon("upload")]), act("Process the sample video", "play", "sample", "sample", "button")]
      : [];
    return make("section", { className: "hero", attributes: { "aria-label": "Begin" } }, [
      make("div", { className: "words" }, [
        make("h2", { text: data.uploads_allowed ? "One video in. Clips, posts and pictures out." : "No videos yet" }),
        make("p", {
          text: data.uploads_allowed
            ? "Upload a talk, an interview or a podcast. It is written down word by word, its best passages are cut into clips with captions, and posts are drafted for each network."
            : "As soon as somebody uploads one, you see here what runs, what finished and what failed.",
        }),
        ...(actions.length ? [make("div", { className: "line" }, actions)] : []),
        ...(actions.length ? [make("p", { className: "quiet", text: "The sample is 85 seconds of three old readings. It takes about a minute and counts as one upload." })] : []),
      ]),
      make("div", { className: "results" }, [
        art("wide", [frame(), icon("play")], "Transcript and pictures"),
        art("tall", [frame(), make("span", { className: "said", text: "Pity the world" })], "Clips"),
        art("post", [1, 2, 3, 4, 5, 6].map(() => make("i")), "Posts"),
      ]),
    ]);
  }

  function draw() {
    moving.length = 0;
    const focused = parentElement.getRootNode().activeElement?.dataset?.key;
    if (data.empty) {
      root.replaceChildren(hero());
    } else {
      const main = [
        ...(data.running.length ? [section("Running now", all(data.running_more), [make("ul", { className: "running" }, data.running.map(runningCard))])] : []),
        ...needs(),
        ...(data.finished.length ? [section("Just finished", toPage(data.videos_address, "", "All videos"), [make("ul", { className: "finished" }, data.finished.map(finishedCard))])] : []),
      ];
      if (!main.length) {
        main.push(make("div", { className: "empty" }, [
          icon("check"), make("h2", { text: "Nothing runs, and nothing needs you" }), toPage(data.videos_address, "button", "All videos"),
        ]));
      }
      root.replaceChildren(make("div", { className: data.limits ? "columns two" : "columns" }, [
        make("div", { className: "main" }, main), ...(data.limits ? [limits()] : []),
      ]));
    }
    if (focused) root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  // What is known live and not drawn: asked for once, also where the answer does not change what is drawn.
  function follow() {
    moving.forEach((move) => move());
    const news = live.videos()
      .filter((now) => (now.job_id in data.states ? data.states[now.job_id] !== now.job_state : live.isUnfinished(now) && !data.cut))
      .map((now) => `${now.job_id} ${now.job_state}`).sort().join();
    if (!news || news === memory.asked) return;
    memory.asked = news;
    clearTimeout(memory.timer);
    memory.timer = setTimeout(() => setTriggerValue("changed", news.slice(0, 100)), SOON_MS);
  }

  function readElsewhere({ detail }) {
    for (const mark of root.querySelectorAll(".new")) {
      if (detail.complete && !detail.unread.includes(mark.dataset.video)) mark.remove();
    }
  }

  draw();
  const unwatches = [live.watch(follow), allowances.watch(meters.draw)];
  window.addEventListener("backlot-inbox", readElsewhere);
  memory.stop = () => {
    unwatches.forEach((unwatch) => unwatch());
    clearTimeout(memory.timer);
    window.removeEventListener("backlot-inbox", readElsewhere);
  };
  return () => memory.stop();
}
