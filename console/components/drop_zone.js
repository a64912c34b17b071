const LABELS = {
  waiting: "Waiting", sending: "Sending", cut: "Connection cut", accepted: "Accepted", refused: "Refused", stopped: "Stopped",
};
const COLOURS = { sending: "blue", cut: "orange", accepted: "green", refused: "red" };

function fileRow(item, open) {
  const share = item.file.size ? item.sent / item.file.size : 0;
  const fill = make("span");
  fill.style.width = `${item.state === "accepted" ? 100 : share * 100}%`;
  const actions = make("span");
  const action = (text, act, className = "button small") => {
    const button = make("button", { className, text, attributes: { type: "button" } });
    button.onclick = act;
    actions.append(button);
  };
  if (["waiting", "sending", "cut"].includes(item.state)) action("Stop", () => uploads.stop(item));
  if (["refused", "stopped"].includes(item.state) && item.file.size) action("Try again", () => uploads.repeat(item));
  if (item.state === "accepted") action("Open video", () => open(item.videoId), "button small first");
  let rate = "";
  if (item.state === "sending" && item.startedAt) {
    const speed = (item.sent - item.resumedFrom) / Math.max(0.2, (performance.now() - item.startedAt) / 1000);
    const left = speed > 0 ? ` · ${clock((item.file.size - item.sent) / speed)} left` : "";
    rate = ` · ${bytes(speed)}/s${left}`;
  }
  const amount = item.state === "accepted" || item.state === "refused"
    ? bytes(item.file.size)
    : `${Math.floor(share * 100)}% of ${bytes(item.file.size)}${rate}`;
  const row = make("li", { className: `card file ${item.state}`, attributes: { "data-state": item.state } }, [
    make("div", { className: "line" }, [
      make("span", { className: "name wraps", text: item.name }),
      make("span", { className: `chip ${COLOURS[item.state] ?? ""}`, text: LABELS[item.state] }),
      actions,
    ]),
    make("div", {
      className: "bar",
      attributes: {
        role: "progressbar", "aria-label": item.name, "aria-valuemin": 0, "aria-valuemax": 100,
        "aria-valuenow": Math.floor(share * 100),
      },
    }, [fill]),
    make("div", { className: "line quiet numbers" }, [
      make("span", { text: amount }), make("span", { className: "problem", text: item.message }),
    ]),
  ]);
  return row;
}

const closers = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const zone = parentElement.querySelector(".zone");
  const input = parentElement.querySelector("input");
  const list = parentElement.querySelector(".files");
  parentElement.querySelector(".limits").textContent =
    `MP4, MOV, MKV, WebM or sound alone · up to ${bytes(data.size_limit)} each · what was cut goes on where it stopped`;

  parentElement.querySelector(".choose").onclick = () => input.click();
  input.onchange = () => { uploads.add([...input.files], data.size_limit); input.value = ""; };
  zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over"); };
  zone.ondragleave = () => zone.classList.remove("over");
  zone.ondrop = (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    uploads.add([...event.dataTransfer.files], data.size_limit);
  };

  const open = (videoId) => setTriggerValue("opened", videoId);
  const draw = () => list.replaceChildren(...uploads.items.map((item) => fileRow(item, open)));
  closers.get(parentElement)?.();
  closers.set(parentElement, uploads.watch(draw));
  draw();
  return () => closers.get(parentElement)?.();
}
