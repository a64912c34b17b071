const closers = new WeakMap();

export default function ({ parentElement }) {
  const root = parentElement.querySelector("#root");
  const draw = () => {
    const open = uploads.items.filter((item) => ["waiting", "sending", "cut"].includes(item.state));
    const now = open.find((item) => item.state !== "waiting");
    root.hidden = !open.length;
    if (!open.length) return;
    const fill = make("span");
    const share = now?.file.size ? now.sent / now.file.size : 0;
    fill.style.width = `${share * 100}%`;
    root.replaceChildren(
      make("div", { className: "quiet wraps", text: `Uploading ${now ? now.name : "…"}` }),
      make("div", { className: "bar" }, [fill]),
      make("div", {
        className: "quiet numbers",
        text: `${Math.floor(share * 100)}%${open.length > 1 ? ` · ${open.length - 1} more waiting` : ""}`,
      }),
    );
  };
  closers.get(parentElement)?.();
  closers.set(parentElement, uploads.watch(draw));
  draw();
  return () => closers.get(parentElement)?.();
}
