/** The one door to the server: every request of the pages goes through here. */

/** The JSON of a path below /api/v1, or of a URL of a page's own file. */
export async function read(path) {
  const response = await fetch(path.startsWith("/ui/") ? path : `/api/v1${path}`, {
    credentials: "same-origin",
    headers: { Accept: "application/json" },
  });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}
