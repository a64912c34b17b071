export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  if (root.dataset.ticket === data.ticket) return;
  root.dataset.ticket = data.ticket;
  root.textContent = "Signing in…";
  fetch("/api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ticket: data.ticket }),
  })
    .then(async (response) => {
      if (response.ok) return data.leads_to ? window.location.replace(data.leads_to) : window.location.reload();
      root.textContent = (await response.json()).detail;
    })
    .catch(() => { root.textContent = "The connection was lost. Try to sign in again."; });
}
