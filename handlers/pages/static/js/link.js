// What the link of a mail carries.

/** `{uid, token}`, or null where the link is not whole. The token leaves the address bar and the
 *  history at once. */
export function takeLink() {
  const parameters = new URLSearchParams(location.search);
  const [uid, token] = [parameters.get("uid"), parameters.get("token")];
  history.replaceState(null, "", location.pathname);
  if (!/^[A-Za-z0-9_-]+$/.test(uid ?? "") || !/^[A-Za-z0-9_-]+$/.test(token ?? "")) return null;
  return { uid, token };
}
