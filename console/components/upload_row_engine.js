// One file of the upload page: built once, then only what changes is changed, so that writing in it is never disturbed.
const UPLOAD_LABELS = {
  waiting: "Waiting", sending: "Sending", cut: "Connection cut", held: "Waiting", signed_out: "Signed out", paused: "Paused",
  duplicate: "Uploaded before", accepted: "Accepted", refused: "Not accepted", stopped: "Stopped",
};
const UPLOAD_COLOURS = {
  sending: "blue", cut: "orange", held: "orange", signed_out: "orange", duplicate: "orange", accepted: "green", refused: "red",
};
const MOST_TAGS = 20;
const LONGEST_TAG = 40;

// Seconds of work on so many seconds of media; work is a list of [fixed, a second of media, most seconds that count].
const workSeconds = (work, duration) => work.reduce(
  (total, [fixed, each, most]) => total + fixed + each * Math.min(duration, most ?? Infinity), 0,
);
const roughly = (seconds) => (seconds < 50 ? "under a minute" : `about ${Math.round(seconds / 60)} min`);

function setText(element, text) { if (element.textContent !== text) element.textContent = text; }

// data answers what Python said last; jobOf answers the job of a video as the live stream knows it.
function uploadRow(item, data, jobOf) {
  const name = item.name;
  const still = make("span", { className: "picture none" }, [icon("film")]);
  const length = make("span", { className: "length numbers" });
  const shown = make("div", { className: "shown" }, [still, length]);
  const title = make("input", { className: "field title", attributes: { "aria-label": `Title of ${name}`, maxlength: 200 } });
  title.oninput = () => uploads.write(item, "title", title.value);
  const chip = make("span", { className: "chip" });
  const tags = make("div", { className: "tags" });
  const tag = make("input", { className: "field", attributes: { "aria-label": `Add a tag to ${name}`, placeholder: "Add a tag", maxlength: LONGEST_TAG } });
  const fill = make("span");
  const bar = make("div", { className: "bar", attributes: { role: "progressbar", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100 } }, [fill]);
  const [amount, pace, problem] = ["span", "span", "span"].map((kind) => make(kind));
  problem.className = "problem wraps";
  const facts = make("div", { className: "facts quiet numbers" }, [amount, pace, problem]);
  const actions = make("div", { className: "actions" });
  const row = make("li", {}, [
    shown, make("div", { className: "about" }, [make("div", { className: "names" }, [title, chip]), tags, bar]),
    make("div", { className: "foot" }, [facts, actions]),
  ]);

  function addTag() {
    const words = tag.value.replace(/,/g, " ").split(/\s+/).filter(Boolean).join(" ").replace(/^#/, "");
    tag.value = "";
    const isNew = !item.tags.some((one) => one.toLowerCase() === words.toLowerCase());
    if (words && isNew && item.tags.length < MOST_TAGS) uploads.write(item, "tags", [...item.tags, words]);
  }
  tag.onkeydown = (event) => {
    if (event.key === "Enter" || event.key === ",") { event.preventDefault(); addTag(); }
    if (event.key === "Backspace" && !tag.value && item.tags.length) uploads.write(item, "tags", item.tags.slice(0, -1));
  };
  tag.onblur = addTag;
  tags.append(tag);

  let drawnTags = "";
  function drawTags() {
    const key = JSON.stringify(item.tags);
    tag.hidden = item.tags.length >= MOST_TAGS;
    if (key === drawnTags) return;
    drawnTags = key;
    tags.querySelectorAll(".tag").forEach((one) => one.remove());
    tag.before(...item.tags.map((word) => {
      const button = make("button", { attributes: { type: "button", "aria-label": `Remove the tag ${word}` } }, [icon("cross")]);
      button.onclick = () => { uploads.write(item, "tags", item.tags.filter((one) => one !== word)); tag.focus(); };
      return make("span", { className: "chip tag" }, [make("span", { text: word }), button]);
    }));
  }

  const action = (text, drawing, act, className = "button small") => {
    const button = make("button", { className, attributes: { type: "button", "aria-label": `${text} ${name}` } }, [
      ...(drawing ? [icon(drawing)] : []), text,
    ]);
    button.onclick = act;
    return button;
  };
  const link = (text, videoId, className) => make("a", {
    className, text, attributes: { href: `/video?id=${encodeURIComponent(videoId)}`, "data-video": videoId },
  });
  const pause = () => action("Pause", "pause", () => uploads.pause(item));
  const stop = () => action("Stop", "cross", () => uploads.stop(item));
  const remove = (text = "Remove") => action(text, null, () => uploads.remove(item), "button small plain");
  const ACTIONS = {
    waiting: () => [pause(), stop()],
    sending: () => [pause(), stop()],
    cut: () => [action("Try now", "retry", () => item.wake?.()), pause(), stop()],
    held: () => [pause(), stop()],
    signed_out: () => [stop()],
    paused: () => [action("Resume", "play", () => uploads.go(item), "button small first"), stop()],
    stopped: () => [action("Go on", "play", () => uploads.go(item), "button small first"), remove("Discard")],
    duplicate: () => [
      link("Open it", item.duplicate.video_id, "button small first"), action("Upload anyway", "upload", () => uploads.goAgain(item)), remove(),
    ],
    refused: () => [...(item.mayRepeat ? [action("Try again", "retry", () => uploads.go(item))] : []), remove()],
    accepted: () => [link("Open video", item.videoId, "button small first"), remove()],
  };
  let drawnState = "";
  function drawActions() {
    if (drawnState === item.state) return;
    const hadFocus = actions.contains(row.getRootNode().activeElement);
    drawnState = item.state;
    row.className = `card file ${item.state}`;
    row.dataset.state = item.state;
    title.readOnly = item.state === "refused";
    tags.hidden = ["refused", "duplicate"].includes(item.state);
    actions.replaceChildren(...ACTIONS[item.state]());
    if (hadFocus) actions.firstElementChild?.focus();
  }

  function drawPicture() {
    if (item.picture && shown.firstElementChild.tagName !== "IMG") {
      shown.replaceChildren(make("img", { className: "picture", attributes: { src: item.picture, alt: "" } }), length);
    }
    length.hidden = !item.duration;
    setText(length, item.duration ? clock(item.duration) : "");
  }

  function drawWork() {
    const job = item.videoId ? jobOf(item.videoId) : undefined;
    const state = job && data().states[job.video_state];
    chip.className = `chip ${state ? state.colour : UPLOAD_COLOURS[item.state] ?? ""}`;
    setText(chip, state ? state.label : UPLOAD_LABELS[item.state]);
    const sent = item.file.size ? item.sent / item.file.size : 0;
    const isDone = job && !["queued", "running"].includes(job.job_state);
    const percent = item.state !== "accepted" ? sent * 100 : job ? (isDone ? 100 : job.percent) : 100;
    fill.style.width = `${percent}%`;
    bar.setAttribute("aria-valuenow", Math.floor(percent));
    bar.className = `bar ${item.state === "refused" || job?.job_state === "failed" ? "red" : item.state === "accepted" && (isDone || !job) ? "green" : ""}`;
    bar.hidden = item.state === "refused" && !item.sent;
    const size = bytes(item.file.size);
    const work = item.duration && !["refused", "duplicate"].includes(item.state) ? `then ${roughly(workSeconds(data().work, item.duration))} of work` : "";
    if (item.state === "accepted") {
      const words = job ? jobWords(job) : null;
      setText(amount, size);
      setText(pace, words ? [words.headline, words.left].filter(Boolean).join(" · ") : "Work on it is queued.");
    } else {
      setText(amount, item.sent ? `${Math.floor(sent * 100)}% of ${size}` : size);
      const left = item.rate ? `${bytes(item.rate)}/s · ${sendingLeft((item.file.size - item.sent) / item.rate)}` : "";
      setText(pace, [item.state === "sending" ? left : "", work].filter(Boolean).join(" · "));
    }
    const told = item.state === "duplicate" ? `You have this video already: “${item.duplicate.title}”, uploaded ${when(item.duplicate.when)}.` : item.message;
    setText(problem, [told, item.writtenProblem].filter(Boolean).join(" "));
  }

  return {
    row,
    draw() {
      if (title.value !== item.title && row.getRootNode().activeElement !== title) title.value = item.title;
      drawPicture(); drawTags(); drawActions(); drawWork();
    },
  };
}
