const NEW_TOASTS = 3;
const TOAST_SECONDS = 6;
const TOGETHER_MS = 1000;  // in which all that ends is asked for once
const FRESH_SECONDS = 20;  // what was read as lately is not asked for again when the tab comes back
const WORDS = { succeeded: "Ready", failed: "Failed" };

// One inbox for the tab, kept on the window while other pages are shown.
const inbox = (window.backlotInbox ??= makeInbox());

function makeInbox() {
  const watchers = new Set();
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("backlot-inbox") : null;
  const box = { items: [], unread: 0, away: false, cannotTell: false, loadedAt: -Infinity, load, read, visibleElsewhere, watch };
  let newest = null;
  let asked = 0;
  let gathering = null;

  function changed(fresh = [], leads = false) {
    watchers.forEach((draw) => draw(fresh, leads));
    const unread = box.items.filter((item) => !item.read).map((item) => item.video_id);
    window.dispatchEvent(new CustomEvent("backlot-inbox", { detail: { unread, complete: box.unread <= unread.length } }));
  }

  async function load(leads = false) {
    const turn = (asked += 1);
    let answer = null;
    try {
      const response = await fetch("/api/notifications", { cache: "no-store" });
      if (response.ok) answer = await response.json();
    } catch { /* no connection: it is asked again when something ends or the tab comes back */ }
    if (turn !== asked) return;
    if (answer === null) {
      box.away = true;
      return changed();
    }
    if (leads) channel?.postMessage({ told: answer });
    take(answer, leads);
  }

  function take(answer, leads) {
    box.away = false;
    box.loadedAt = performance.now();
    const fresh = newest === null ? [] : answer.items.filter((item) => item.id > newest && !item.read);
    newest = Math.max(newest ?? 0, ...answer.items.map((item) => item.id));
    Object.assign(box, { items: answer.items, unread: answer.unread });
    changed(fresh, leads);
  }

  async function read(ids) {
    const marked = box.items.filter((item) => !item.read && (ids === null || ids.includes(item.id)));
    if (ids !== null && !marked.length) return;
    marked.forEach((item) => { item.read = true; });
    box.unread = ids === null ? 0 : Math.max(0, box.unread - marked.length);
    changed();
    try {
      const response = await fetch("/api/notifications/read", {
        method: "POST", keepalive: true, headers: { "Content-Type": "application/json" },
        body: JSON.stringify(ids === null ? { all: true } : { ids }),
      });
      if (response.ok) box.unread = (await response.json()).unread;
    } catch { /* they are unread again on the next load */ }
    channel?.postMessage({ read: true });
    changed();
  }

  // Whether somebody looks at another tab of ours: such a tab answers.
  function visibleElsewhere() {
    if (!channel) return Promise.resolve(false);
    return new Promise((done) => {
      const answered = (event) => { if (event.data.visible) finish(true); };
      const finish = (found) => { channel.removeEventListener("message", answered); done(found); };
      channel.addEventListener("message", answered);
      channel.postMessage({ whoIsVisible: true });
      setTimeout(finish, 400, false);
    });
  }

  function watch(draw) {
    watchers.add(draw);
    return () => watchers.delete(draw);
  }

  channel?.addEventListener("message", (event) => {
    if (event.data.read) load();
    if (event.data.told) {
      asked += 1;  // it is newer than what this tab still waits for
      take(event.data.told, false);
    }
    if (event.data.whoIsVisible && !document.hidden) channel.postMessage({ visible: true });
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && performance.now() - box.loadedAt > FRESH_SECONDS * 1000) load();
  });
  live.onEnded((_job, leads) => {
    if (!leads) return;  // the leading tab tells this one
    gathering ??= setTimeout(() => { gathering = null; load(true); }, TOGETHER_MS);
  });
  load();
  return box;
}

function ago(at) {
  const minutes = Math.floor((Date.now() - new Date(at)) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return when(at);
}

const shown = (count) => (count >= 100 ? "99+" : String(count));
const address = (item) => `/video?id=${encodeURIComponent(item.video_id)}`;
const mark = (item) => make("span", { className: "mark" }, [icon(item.outcome === "failed" ? "alert" : "check")]);

// Streamlit writes the title anew with each page.
function tellTitle() {
  const plain = document.title.replace(/^\(\d+\+?\) /, "");
  const title = inbox.unread ? `(${shown(inbox.unread)}) ${plain}` : plain;
  if (document.title !== title) document.title = title;
}

// Only where no tab of ours is in front.
async function tellBrowser(item) {
  if (!("Notification" in window) || Notification.permission !== "granted" || !document.hidden) return;
  if (await inbox.visibleElsewhere()) return;
  let told;
  try {
    told = new Notification(`${WORDS[item.outcome]}: ${item.title}`, {
      body: item.text, tag: `backlot-${item.id}`, icon: "/app/static/icon.svg",
    });
  } catch {  // Chrome on Android has the permission, and lets no page tell
    inbox.cannotTell = true;
    return;
  }
  told.onclick = () => { window.focus(); window.location.assign(address(item)); };
}

const running = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const [button, dialog, list, toasts] = [".bell", "dialog", ".list", ".toasts"].map(find);
  running.get(parentElement)?.();
  const isLookedAt = (item) => item.video_id === data.looking_at && !document.hidden;

  function follow(event, item) {
    inbox.read([item.id]);
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    dialog.close();
    setTriggerValue("opened", item.video_id);
  }

  function line(item) {
    const link = make("a", {
      className: `${item.outcome} ${item.read ? "" : "unread"}`, attributes: { href: address(item), "data-id": item.id },
    }, [
      mark(item),
      make("span", { className: "title wraps", text: item.title }),
      make("span", { className: "when quiet", text: ago(item.at) }),
      make("span", { className: "what quiet wraps", text: `${WORDS[item.outcome]} · ${item.text}` }),
      ...(item.read ? [] : [make("span", { className: "unseen", text: "Unread" })]),
    ]);
    link.onclick = (event) => follow(event, item);
    return make("li", {}, [link]);
  }

  function toast(item) {
    const close = make("button", { className: "button plain small square close", attributes: { type: "button", "aria-label": "Dismiss" } }, [icon("cross")]);
    const link = make("a", { className: "strong wraps", text: item.title, attributes: { href: address(item) } });
    const box = make("div", { className: `toast ${item.outcome}` }, [
      mark(item), link, close, make("span", { className: "text quiet wraps", text: `${WORDS[item.outcome]} · ${item.text}` }),
    ]);
    let timer = 0;
    const go = () => box.remove();
    const wait = () => { clearTimeout(timer); timer = setTimeout(go, TOAST_SECONDS * 1000); };
    const stay = () => clearTimeout(timer);
    box.onmouseenter = box.onfocusin = stay;
    box.onmouseleave = box.onfocusout = wait;
    close.onclick = go;
    link.onclick = (event) => { go(); follow(event, item); };
    toasts.append(box);
    wait();
  }

  // Stays until the page is loaded anew.
  function tellSignedOut() {
    if (!live.signedOut || toasts.querySelector(".signed-out")) return;
    toasts.prepend(make("div", { className: "toast signed-out" }, [
      make("span", { className: "mark" }, [icon("alert")]),
      make("span", { className: "strong", text: "You are signed out" }),
      make("span", { className: "text quiet wraps" }, [
        "This page stays, so that nothing is lost of what you send or write here. ",
        make("a", { className: "strong", text: "Sign in in a new tab", attributes: { href: "/", target: "_blank", rel: "noopener" } }),
        ": sending goes on by itself, and what you wrote can be saved.",
      ]),
    ]));
  }

  function drawList() {
    const focused = parentElement.getRootNode().activeElement?.dataset.id;
    list.replaceChildren(...inbox.items.map(line));
    if (!inbox.items.length) {
      list.append(make("li", { className: "nothing quiet", text: "Nothing yet. When work on a video ends, it says so here." }));
    }
    if (focused) list.querySelector(`[data-id="${focused}"]`)?.focus();
    find(".all").hidden = inbox.unread === 0;
    drawFooter();
  }

  function drawFooter() {
    const footer = find("footer");
    const permission = "Notification" in window && window.isSecureContext && !inbox.cannotTell ? Notification.permission : "none";
    const ask = make("button", { className: "link", text: "Tell me in the browser too", attributes: { type: "button" } });
    ask.onclick = async () => { await Notification.requestPermission(); drawFooter(); };
    footer.replaceChildren(...(inbox.away ? [make("p", { className: "problem", text: "They cannot be read just now. They are kept." })] : []));
    if (permission === "default") footer.append(ask);
    if (permission === "granted") footer.append("Your browser tells you too, while no tab of Backlot is in front.");
  }

  function draw(fresh = [], leads = false) {
    button.setAttribute("aria-label", inbox.unread ? `Notifications, ${shown(inbox.unread)} unread` : "Notifications");
    button.replaceChildren(icon("bell"), ...(inbox.unread ? [make("span", { className: "count", text: shown(inbox.unread) })] : []));
    drawList();
    tellTitle();
    fresh.slice(0, NEW_TOASTS).reverse().forEach(toast);
    if (leads) fresh.slice(0, NEW_TOASTS).forEach(tellBrowser);
    const looked = inbox.items.filter((item) => !item.read && isLookedAt(item)).map((item) => item.id);
    if (looked.length) inbox.read(looked);
  }

  find(".close").replaceChildren(icon("cross"));
  find(".close").onclick = () => dialog.close();
  find(".all").onclick = () => { inbox.read(null); find(".close").focus(); };
  button.onclick = () => { drawList(); dialog.showModal(); };
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };  // the backdrop belongs to the dialog
  dialog.onclose = () => button.focus();

  const title = new MutationObserver(tellTitle);
  title.observe(document.head, { subtree: true, childList: true, characterData: true });
  const looking = () => draw();
  document.addEventListener("visibilitychange", looking);
  const stops = [inbox.watch(draw), live.watch(tellSignedOut)];
  running.set(parentElement, () => {
    stops.forEach((stop) => stop());
    title.disconnect();
    document.removeEventListener("visibilitychange", looking);
  });
  draw();
  return () => running.get(parentElement)?.();
}
