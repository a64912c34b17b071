const MARKS = { succeeded: "✓", failed: "!", cancelled: "×", skipped: "–" };
const NOTES = { waiting: "waits", ready: "next", succeeded: "done", skipped: "skipped", failed: "failed", cancelled: "cancelled" };
const AWAY = "Live updates are interrupted; what is shown may be old. It goes on by itself.";
const drawn = new WeakMap(); // by place: how to stop watching, and the last change that was asked for

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#root");
  const before = drawn.get(parentElement);
  before?.stop();
  clearTimeout(before?.again);
  const mine = { asked: before?.asked, patience: 5000 }; // in milliseconds, for Python to draw what was asked for
  drawn.set(parentElement, mine);

  const headline = make("span", { className: "headline wraps" });
  const left = make("span", { className: "left quiet numbers" });
  const fill = make("span");
  const bar = make("div", {
    className: "bar",
    attributes: { role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 },
  }, [fill]);
  const detail = make("p", { className: "detail quiet wraps" });
  const spoken = make("span", { className: "unseen", attributes: { "aria-live": "polite" } });
  const steps = new Map(data.stages.map((stage) => [stage.name, step(data.names[stage.name] ?? stage.name, stage.name)]));
  root.replaceChildren(
    make("div", { className: "overall" }, [headline]), bar, make("div", { className: "under" }, [detail, left]), spoken,
    make("ol", {}, [...steps.values()].map((one) => one.element)),
  );

  const draw = () => {
    const seen = live.video(data.video_id);
    const same = seen?.job_id === data.job_id;
    const isNewer = seen && (same ? seen.as_of >= data.as_of : seen.created_at > data.created_at);
    if (isNewer && signature(seen) !== signature(data) && mine.asked !== signature(seen)) {
      mine.asked = signature(seen);
      setTriggerValue("changed", mine.asked);
      clearTimeout(mine.again);
      mine.again = setTimeout(() => { mine.asked = undefined; draw(); }, mine.patience);
      mine.patience = Math.min(60000, 2 * mine.patience);
    }
    const job = same && (isNewer || signature(seen) === signature(data)) ? seen : data;
    const words = jobWords({ ...job, eta: same ? seen.eta : null });
    const percent = live.held(data.job_id, Math.max(data.percent, same ? seen.percent : 0));
    const unfinished = live.isUnfinished(job);
    root.hidden = job.job_state === "succeeded"; // what it made is on the page; the next job is waited for
    const isAway = live.state === "away" && unfinished;
    root.className = job.job_state;
    headline.textContent = words.headline;
    left.textContent = isAway ? "" : words.left;
    fill.style.width = `${percent}%`;
    bar.setAttribute("aria-valuenow", Math.floor(percent));
    bar.setAttribute("aria-valuetext", words.headline);
    detail.textContent = isAway ? AWAY : unfinished ? words.detail : "";
    detail.classList.toggle("away", isAway);
    for (const stage of job.stages) steps.get(stage.name)?.show(stage, data.took[stage.name]);
    const running = job.stages.filter((stage) => stage.state === "running").map((stage) => data.names[stage.name]);
    const said = running.length && unfinished ? `Now: ${running.join(", ")}` : words.headline;
    if (spoken.textContent !== said) spoken.textContent = said;
  };
  mine.stop = live.watch(draw);
  return () => {
    clearTimeout(drawn.get(parentElement)?.again);
    drawn.get(parentElement)?.stop();
  };
}

const signature = (job) => [job.job_id, job.job_state, ...job.stages.map((stage) => stage.state)].join(" ");

function step(name, id) {
  const dot = make("span", { className: "dot", attributes: { "aria-hidden": "true" } });
  const note = make("span", { className: "note quiet numbers" });
  const reason = make("span", { className: "reason quiet wraps" });
  const element = make("li", { attributes: { "data-stage": id } }, [dot, make("span", { className: "name", text: name }), note, reason]);
  return {
    element,
    show(stage, took) {
      element.className = stage.state;
      dot.textContent = MARKS[stage.state] ?? "";
      note.textContent = stage.state === "running" ? `${Math.floor(stage.percent)}%` : took && stage.state === "succeeded" ? took : NOTES[stage.state];
      reason.textContent = stage.state === "running" ? "" : stage.reason;
      reason.hidden = !reason.textContent;
    },
  };
}
