export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  if (root.dataset.ticket === data.ticket) return;
  root.dataset.ticket = data.ticket;
  root.textContent = "Signing in…";
  window.backlotSigningIn = true;
  const fail = (message) => { window.backlotSigningIn = false; root.textContent = message; };
  fetch("/api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ticket: data.ticket }),
  })
    .then(async (response) => {
      if (response.ok) return data.leads_to ? window.location.replace(data.leads_to) : window.location.reload();
      return fail((await response.json()).detail);
    })
    .catch(() => fail("The connection was lost. Try to sign in again."));
}
