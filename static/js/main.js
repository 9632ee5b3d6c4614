/** The entry of the pages: which product this is, and which version answers. */
import { html, render } from "../vendor/lit.js";
import { read } from "./api.js";

function catalogueUrl(language) {
  return document.querySelector(`meta[name="postern-catalogue-${language}"]`).content;
}

const language = navigator.language.startsWith("ko") ? "ko" : "en";
document.documentElement.lang = language;
const [texts, version] = await Promise.all([read(catalogueUrl(language)), read("/version")]);
render(
  html`<h1>${texts["product.name"]}</h1>
    <p>${texts["product.version"].replace("{version}", version.version)}</p>`,
  document.getElementById("app"),
);
