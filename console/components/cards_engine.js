// One video of a list: a card with its picture, or a line of a table, which are the same elements in another order.
const cards = (window.backlotCards ??= {
  FRAME_MS: 700, // each picture of a preview
  FIRST_MS: 200, // a pointer that only passes starts nothing
  preview: null,

  // Text with what was looked for in it; marks count characters as people do, not as the browser does.
  marked(className, text, marks) {
    const letters = marks?.length ? Array.from(text) : [];
    const parts = [];
    let at = 0;
    for (const [start, end] of marks ?? []) {
      parts.push(letters.slice(at, start).join(""), make("mark", { text: letters.slice(start, end).join("") }));
      at = end;
    }
    return make("span", { className }, parts.length ? [...parts, letters.slice(at).join("")] : [text]);
  },

  line(row, match) {
    const href = `/video?id=${encodeURIComponent(row.id)}&t=${Math.floor(match.at)}`;
    return make("li", {}, [make("a", { className: "match", attributes: { href, "data-open": "" } }, [
      make("span", { className: "numbers at", text: clock(match.at) }), this.marked("wraps", match.text, match.marks),
    ])]);
  },

  build(row, { show_owner, may_select }) {
    const href = `/video?id=${encodeURIComponent(row.id)}`;
    const picture = row.poster
      ? make("img", { className: "picture", attributes: { src: row.poster, alt: "", loading: "lazy", decoding: "async" } })
      : make("span", { className: "picture none" }, [icon("film")]);
    const open = make("a", { className: "open", attributes: { href, "data-open": "", "data-key": row.id } }, [
      make("span", { className: "still" }, [
        picture, ...(row.duration ? [make("span", { className: "length numbers", text: row.duration })] : []),
      ]),
      make("span", { className: "names" }, [
        this.marked("title wraps", row.title, row.marks),
        make("span", { className: "file quiet cut", text: row.file }),
      ]),
    ]);
    const filter = (className, name, value) => make("button", {
      className: `filter ${className}`, text: value,
      attributes: { type: "button", "data-filter": name, title: `Only ${name === "owner" ? "videos of" : "tagged"} ${value}` },
    });
    const matches = row.matches ? [make("ul", { className: "matches" }, [
      ...row.matches.lines.map((match) => this.line(row, match)),
      ...(row.matches.more ? [make("li", { className: "quiet more", text: `+${row.matches.more} more` })] : []),
    ])] : [];
    return make("li", { className: row.matches ? "video matched" : "video", attributes: { "data-id": row.id } }, [
      ...(may_select ? [make("label", { className: "pick" }, [
        make("input", { attributes: { type: "checkbox", "aria-label": `Select ${row.title}` } }),
      ])] : []),
      open,
      make("div", { className: "facts" }, [
        make("span", { className: `chip ${row.colour}`, text: row.chip }),
        ...(show_owner ? [filter("owner cut", "owner", row.owner)] : []),
        make("span", { className: "quiet numbers when", text: row.when }),
      ]),
      ...(row.tags.length ? [make("div", { className: "tags" }, row.tags.map((tag) => filter("tag", "tag", tag)))] : []),
      ...matches,
    ]);
  },

  // How far the work on a card is, and whether there is any; `job` is what the stream says of it, if it says something.
  work(card, job) {
    const shown = card.querySelector(".work");
    if (!job || !live.isUnfinished(job)) {
      shown?.remove();
      return false;
    }
    const work = shown ?? make("div", { className: "work" }, [
      make("span", { className: "bar", attributes: {
        role: "progressbar", "aria-label": `Progress of ${job.title}`, "aria-valuemin": 0, "aria-valuemax": 100,
      } }, [make("span")]),
      make("span", { className: "quiet cut says" }),
    ]);
    if (!shown) card.querySelector(".facts").after(work);
    const share = Math.floor(live.held(job.job_id, job.percent));
    const bar = work.querySelector(".bar");
    bar.firstChild.style.width = `${share}%`;
    bar.setAttribute("aria-valuenow", share);
    work.querySelector(".says").textContent = job.job_state === "queued" ? job.message : `${share}% · ${job.message}`;
    return true;
  },

  // The pictures of a video one after the other, over its own; for a pointer that rests on it, or the keyboard.
  show(card, row) {
    this.hide();
    if (!row || row.pictures.length < 2 || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const still = card.querySelector(".still");
    const frame = make("img", { className: "picture frame", attributes: { alt: "", hidden: "" } });
    const ticks = make("span", { className: "ticks" }, row.pictures.map(() => make("i")));
    const shown = { card, frame, ticks, timer: 0, stopped: false };
    let at = 0;
    const turn = async () => {
      const next = new Image();
      next.src = row.pictures[at];
      try { await next.decode(); } catch { return; }
      if (shown.stopped) return;
      frame.src = next.src;
      frame.hidden = false;
      [...ticks.children].forEach((tick, number) => tick.classList.toggle("now", number === at));
      at = (at + 1) % row.pictures.length;
      shown.timer = setTimeout(turn, this.FRAME_MS);
    };
    still.append(frame, ticks);
    still.classList.add("previewing");
    shown.timer = setTimeout(turn, this.FIRST_MS);
    this.preview = shown;
  },

  hide() {
    const shown = this.preview;
    if (!shown) return;
    shown.stopped = true;
    clearTimeout(shown.timer);
    shown.frame.parentElement.classList.remove("previewing");
    shown.frame.remove();
    shown.ticks.remove();
    this.preview = null;
  },
});
