export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  const button = make("button", { className: "button small", text: "Sign out", attributes: { type: "button" } });
  button.onclick = async () => {
    button.disabled = true;
    try {
      const response = await fetch("/api/session/end", { method: "POST" });
      if (!response.ok) throw new Error(String(response.status));
      if (data.stays) window.location.reload();
      else window.location.assign("/");
    } catch {
      button.disabled = false;
      button.textContent = "Sign out did not work. Try again";
    }
  };
  root.replaceChildren(button);
}
