// lit.js 3.3.3, bundled by vendor.py; do not edit. Licence: licenses.txt

// @lit/reactive-element/css-tag.js
var t = globalThis;
var e = t.ShadowRoot && (void 0 === t.ShadyCSS || t.ShadyCSS.nativeShadow) && "adoptedStyleSheets" in Document.prototype && "replace" in CSSStyleSheet.prototype;
var s = Symbol();
var o = /* @__PURE__ */ new WeakMap();
var n = class {
  constructor(t5, e8, o8) {
    if (this._$cssResult$ = true, o8 !== s)
      throw Error("CSSResult is not constructable. Use `unsafeCSS` or `css` instead.");
    this.cssText = t5, this.t = e8;
  }
  get styleSheet() {
    let t5 = this.o;
    const s7 = this.t;
    if (e && void 0 === t5) {
      const e8 = void 0 !== s7 && 1 === s7.length;
      e8 && (t5 = o.get(s7)), void 0 === t5 && ((this.o = t5 = new CSSStyleSheet()).replaceSync(this.cssText), e8 && o.set(s7, t5));
    }
    return t5;
  }
  toString() {
    return this.cssText;
  }
};
var r = (t5) => new n("string" == typeof t5 ? t5 : t5 + "", void 0, s);
var S = (s7, o8) => {
  if (e)
    s7.adoptedStyleSheets = o8.map((t5) => t5 instanceof CSSStyleSheet ? t5 : t5.styleSheet);
  else
    for (const e8 of o8) {
      const o9 = document.createElement("style"), n8 = t.litNonce;
      void 0 !== n8 && o9.setAttribute("nonce", n8), o9.textContent = e8.cssText, s7.appendChild(o9);
    }
};
var c = e ? (t5) => t5 : (t5) => t5 instanceof CSSStyleSheet ? ((t6) => {
  let e8 = "";
  for (const s7 of t6.cssRules)
    e8 += s7.cssText;
  return r(e8);
})(t5) : t5;

// @lit/reactive-element/reactive-element.js
var { is: i2, defineProperty: e2, getOwnPropertyDescriptor: h, getOwnPropertyNames: r2, getOwnPropertySymbols: o2, getPrototypeOf: n2 } = Object;
var a = globalThis;
var c2 = a.trustedTypes;
var l = c2 ? c2.emptyScript : "";
var p = a.reactiveElementPolyfillSupport;
var d = (t5, s7) => t5;
var u = { toAttribute(t5, s7) {
  switch (s7) {
    case Boolean:
      t5 = t5 ? l : null;
      break;
    case Object:
    case Array:
      t5 = null == t5 ? t5 : JSON.stringify(t5);
  }
  return t5;
}, fromAttribute(t5, s7) {
  let i10 = t5;
  switch (s7) {
    case Boolean:
      i10 = null !== t5;
      break;
    case Number:
      i10 = null === t5 ? null : Number(t5);
      break;
    case Object:
    case Array:
      try {
        i10 = JSON.parse(t5);
      } catch (t6) {
        i10 = null;
      }
  }
  return i10;
} };
var f = (t5, s7) => !i2(t5, s7);
var b = { attribute: true, type: String, converter: u, reflect: false, useDefault: false, hasChanged: f };
Symbol.metadata ??= Symbol("metadata"), a.litPropertyMetadata ??= /* @__PURE__ */ new WeakMap();
var y = class extends HTMLElement {
  static addInitializer(t5) {
    this._$Ei(), (this.l ??= []).push(t5);
  }
  static get observedAttributes() {
    return this.finalize(), this._$Eh && [...this._$Eh.keys()];
  }
  static createProperty(t5, s7 = b) {
    if (s7.state && (s7.attribute = false), this._$Ei(), this.prototype.hasOwnProperty(t5) && ((s7 = Object.create(s7)).wrapped = true), this.elementProperties.set(t5, s7), !s7.noAccessor) {
      const i10 = Symbol(), h7 = this.getPropertyDescriptor(t5, i10, s7);
      void 0 !== h7 && e2(this.prototype, t5, h7);
    }
  }
  static getPropertyDescriptor(t5, s7, i10) {
    const { get: e8, set: r6 } = h(this.prototype, t5) ?? { get() {
      return this[s7];
    }, set(t6) {
      this[s7] = t6;
    } };
    return { get: e8, set(s8) {
      const h7 = e8?.call(this);
      r6?.call(this, s8), this.requestUpdate(t5, h7, i10);
    }, configurable: true, enumerable: true };
  }
  static getPropertyOptions(t5) {
    return this.elementProperties.get(t5) ?? b;
  }
  static _$Ei() {
    if (this.hasOwnProperty(d("elementProperties")))
      return;
    const t5 = n2(this);
    t5.finalize(), void 0 !== t5.l && (this.l = [...t5.l]), this.elementProperties = new Map(t5.elementProperties);
  }
  static finalize() {
    if (this.hasOwnProperty(d("finalized")))
      return;
    if (this.finalized = true, this._$Ei(), this.hasOwnProperty(d("properties"))) {
      const t6 = this.properties, s7 = [...r2(t6), ...o2(t6)];
      for (const i10 of s7)
        this.createProperty(i10, t6[i10]);
    }
    const t5 = this[Symbol.metadata];
    if (null !== t5) {
      const s7 = litPropertyMetadata.get(t5);
      if (void 0 !== s7)
        for (const [t6, i10] of s7)
          this.elementProperties.set(t6, i10);
    }
    this._$Eh = /* @__PURE__ */ new Map();
    for (const [t6, s7] of this.elementProperties) {
      const i10 = this._$Eu(t6, s7);
      void 0 !== i10 && this._$Eh.set(i10, t6);
    }
    this.elementStyles = this.finalizeStyles(this.styles);
  }
  static finalizeStyles(s7) {
    const i10 = [];
    if (Array.isArray(s7)) {
      const e8 = new Set(s7.flat(1 / 0).reverse());
      for (const s8 of e8)
        i10.unshift(c(s8));
    } else
      void 0 !== s7 && i10.push(c(s7));
    return i10;
  }
  static _$Eu(t5, s7) {
    const i10 = s7.attribute;
    return false === i10 ? void 0 : "string" == typeof i10 ? i10 : "string" == typeof t5 ? t5.toLowerCase() : void 0;
  }
  constructor() {
    super(), this._$Ep = void 0, this.isUpdatePending = false, this.hasUpdated = false, this._$Em = null, this._$Ev();
  }
  _$Ev() {
    this._$ES = new Promise((t5) => this.enableUpdating = t5), this._$AL = /* @__PURE__ */ new Map(), this._$E_(), this.requestUpdate(), this.constructor.l?.forEach((t5) => t5(this));
  }
  addController(t5) {
    (this._$EO ??= /* @__PURE__ */ new Set()).add(t5), void 0 !== this.renderRoot && this.isConnected && t5.hostConnected?.();
  }
  removeController(t5) {
    this._$EO?.delete(t5);
  }
  _$E_() {
    const t5 = /* @__PURE__ */ new Map(), s7 = this.constructor.elementProperties;
    for (const i10 of s7.keys())
      this.hasOwnProperty(i10) && (t5.set(i10, this[i10]), delete this[i10]);
    t5.size > 0 && (this._$Ep = t5);
  }
  createRenderRoot() {
    const t5 = this.shadowRoot ?? this.attachShadow(this.constructor.shadowRootOptions);
    return S(t5, this.constructor.elementStyles), t5;
  }
  connectedCallback() {
    this.renderRoot ??= this.createRenderRoot(), this.enableUpdating(true), this._$EO?.forEach((t5) => t5.hostConnected?.());
  }
  enableUpdating(t5) {
  }
  disconnectedCallback() {
    this._$EO?.forEach((t5) => t5.hostDisconnected?.());
  }
  attributeChangedCallback(t5, s7, i10) {
    this._$AK(t5, i10);
  }
  _$ET(t5, s7) {
    const i10 = this.constructor.elementProperties.get(t5), e8 = this.constructor._$Eu(t5, i10);
    if (void 0 !== e8 && true === i10.reflect) {
      const h7 = (void 0 !== i10.converter?.toAttribute ? i10.converter : u).toAttribute(s7, i10.type);
      this._$Em = t5, null == h7 ? this.removeAttribute(e8) : this.setAttribute(e8, h7), this._$Em = null;
    }
  }
  _$AK(t5, s7) {
    const i10 = this.constructor, e8 = i10._$Eh.get(t5);
    if (void 0 !== e8 && this._$Em !== e8) {
      const t6 = i10.getPropertyOptions(e8), h7 = "function" == typeof t6.converter ? { fromAttribute: t6.converter } : void 0 !== t6.converter?.fromAttribute ? t6.converter : u;
      this._$Em = e8;
      const r6 = h7.fromAttribute(s7, t6.type);
      this[e8] = r6 ?? this._$Ej?.get(e8) ?? r6, this._$Em = null;
    }
  }
  requestUpdate(t5, s7, i10, e8 = false, h7) {
    if (void 0 !== t5) {
      const r6 = this.constructor;
      if (false === e8 && (h7 = this[t5]), i10 ??= r6.getPropertyOptions(t5), !((i10.hasChanged ?? f)(h7, s7) || i10.useDefault && i10.reflect && h7 === this._$Ej?.get(t5) && !this.hasAttribute(r6._$Eu(t5, i10))))
        return;
      this.C(t5, s7, i10);
    }
    false === this.isUpdatePending && (this._$ES = this._$EP());
  }
  C(t5, s7, { useDefault: i10, reflect: e8, wrapped: h7 }, r6) {
    i10 && !(this._$Ej ??= /* @__PURE__ */ new Map()).has(t5) && (this._$Ej.set(t5, r6 ?? s7 ?? this[t5]), true !== h7 || void 0 !== r6) || (this._$AL.has(t5) || (this.hasUpdated || i10 || (s7 = void 0), this._$AL.set(t5, s7)), true === e8 && this._$Em !== t5 && (this._$Eq ??= /* @__PURE__ */ new Set()).add(t5));
  }
  async _$EP() {
    this.isUpdatePending = true;
    try {
      await this._$ES;
    } catch (t6) {
      Promise.reject(t6);
    }
    const t5 = this.scheduleUpdate();
    return null != t5 && await t5, !this.isUpdatePending;
  }
  scheduleUpdate() {
    return this.performUpdate();
  }
  performUpdate() {
    if (!this.isUpdatePending)
      return;
    if (!this.hasUpdated) {
      if (this.renderRoot ??= this.createRenderRoot(), this._$Ep) {
        for (const [t7, s8] of this._$Ep)
          this[t7] = s8;
        this._$Ep = void 0;
      }
      const t6 = this.constructor.elementProperties;
      if (t6.size > 0)
        for (const [s8, i10] of t6) {
          const { wrapped: t7 } = i10, e8 = this[s8];
          true !== t7 || this._$AL.has(s8) || void 0 === e8 || this.C(s8, void 0, i10, e8);
        }
    }
    let t5 = false;
    const s7 = this._$AL;
    try {
      t5 = this.shouldUpdate(s7), t5 ? (this.willUpdate(s7), this._$EO?.forEach((t6) => t6.hostUpdate?.()), this.update(s7)) : this._$EM();
    } catch (s8) {
      throw t5 = false, this._$EM(), s8;
    }
    t5 && this._$AE(s7);
  }
  willUpdate(t5) {
  }
  _$AE(t5) {
    this._$EO?.forEach((t6) => t6.hostUpdated?.()), this.hasUpdated || (this.hasUpdated = true, this.firstUpdated(t5)), this.updated(t5);
  }
  _$EM() {
    this._$AL = /* @__PURE__ */ new Map(), this.isUpdatePending = false;
  }
  get updateComplete() {
    return this.getUpdateComplete();
  }
  getUpdateComplete() {
    return this._$ES;
  }
  shouldUpdate(t5) {
    return true;
  }
  update(t5) {
    this._$Eq &&= this._$Eq.forEach((t6) => this._$ET(t6, this[t6])), this._$EM();
  }
  updated(t5) {
  }
  firstUpdated(t5) {
  }
};
y.elementStyles = [], y.shadowRootOptions = { mode: "open" }, y[d("elementProperties")] = /* @__PURE__ */ new Map(), y[d("finalized")] = /* @__PURE__ */ new Map(), p?.({ ReactiveElement: y }), (a.reactiveElementVersions ??= []).push("2.1.2");

// lit-html/lit-html.js
var t2 = globalThis;
var i3 = (t5) => t5;
var s2 = t2.trustedTypes;
var e3 = s2 ? s2.createPolicy("lit-html", { createHTML: (t5) => t5 }) : void 0;
var h2 = "$lit$";
var o3 = `lit$${Math.random().toFixed(9).slice(2)}$`;
var n3 = "?" + o3;
var r3 = `<${n3}>`;
var l2 = document;
var c3 = () => l2.createComment("");
var a2 = (t5) => null === t5 || "object" != typeof t5 && "function" != typeof t5;
var u2 = Array.isArray;
var d2 = (t5) => u2(t5) || "function" == typeof t5?.[Symbol.iterator];
var f2 = "[ 	\n\f\r]";
var v = /<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g;
var _ = /-->/g;
var m = />/g;
var p2 = RegExp(`>|${f2}(?:([^\\s"'>=/]+)(${f2}*=${f2}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`, "g");
var g = /'/g;
var $ = /"/g;
var y2 = /^(?:script|style|textarea|title)$/i;
var x = (t5) => (i10, ...s7) => ({ _$litType$: t5, strings: i10, values: s7 });
var b2 = x(1);
var w = x(2);
var T = x(3);
var E = Symbol.for("lit-noChange");
var A = Symbol.for("lit-nothing");
var C = /* @__PURE__ */ new WeakMap();
var P = l2.createTreeWalker(l2, 129);
function V(t5, i10) {
  if (!u2(t5) || !t5.hasOwnProperty("raw"))
    throw Error("invalid template strings array");
  return void 0 !== e3 ? e3.createHTML(i10) : i10;
}
var N = (t5, i10) => {
  const s7 = t5.length - 1, e8 = [];
  let n8, l4 = 2 === i10 ? "<svg>" : 3 === i10 ? "<math>" : "", c7 = v;
  for (let i11 = 0; i11 < s7; i11++) {
    const s8 = t5[i11];
    let a3, u5, d3 = -1, f4 = 0;
    for (; f4 < s8.length && (c7.lastIndex = f4, u5 = c7.exec(s8), null !== u5); )
      f4 = c7.lastIndex, c7 === v ? "!--" === u5[1] ? c7 = _ : void 0 !== u5[1] ? c7 = m : void 0 !== u5[2] ? (y2.test(u5[2]) && (n8 = RegExp("</" + u5[2], "g")), c7 = p2) : void 0 !== u5[3] && (c7 = p2) : c7 === p2 ? ">" === u5[0] ? (c7 = n8 ?? v, d3 = -1) : void 0 === u5[1] ? d3 = -2 : (d3 = c7.lastIndex - u5[2].length, a3 = u5[1], c7 = void 0 === u5[3] ? p2 : '"' === u5[3] ? $ : g) : c7 === $ || c7 === g ? c7 = p2 : c7 === _ || c7 === m ? c7 = v : (c7 = p2, n8 = void 0);
    const x2 = c7 === p2 && t5[i11 + 1].startsWith("/>") ? " " : "";
    l4 += c7 === v ? s8 + r3 : d3 >= 0 ? (e8.push(a3), s8.slice(0, d3) + h2 + s8.slice(d3) + o3 + x2) : s8 + o3 + (-2 === d3 ? i11 : x2);
  }
  return [V(t5, l4 + (t5[s7] || "<?>") + (2 === i10 ? "</svg>" : 3 === i10 ? "</math>" : "")), e8];
};
var S2 = class {
  constructor({ strings: t5, _$litType$: i10 }, e8) {
    let r6;
    this.parts = [];
    let l4 = 0, a3 = 0;
    const u5 = t5.length - 1, d3 = this.parts, [f4, v3] = N(t5, i10);
    if (this.el = S2.createElement(f4, e8), P.currentNode = this.el.content, 2 === i10 || 3 === i10) {
      const t6 = this.el.content.firstChild;
      t6.replaceWith(...t6.childNodes);
    }
    for (; null !== (r6 = P.nextNode()) && d3.length < u5; ) {
      if (1 === r6.nodeType) {
        if (r6.hasAttributes())
          for (const t6 of r6.getAttributeNames())
            if (t6.endsWith(h2)) {
              const i11 = v3[a3++], s7 = r6.getAttribute(t6).split(o3), e9 = /([.?@])?(.*)/.exec(i11);
              d3.push({ type: 1, index: l4, name: e9[2], strings: s7, ctor: "." === e9[1] ? I : "?" === e9[1] ? L : "@" === e9[1] ? z : H }), r6.removeAttribute(t6);
            } else
              t6.startsWith(o3) && (d3.push({ type: 6, index: l4 }), r6.removeAttribute(t6));
        if (y2.test(r6.tagName)) {
          const t6 = r6.textContent.split(o3), i11 = t6.length - 1;
          if (i11 > 0) {
            r6.textContent = s2 ? s2.emptyScript : "";
            for (let s7 = 0; s7 < i11; s7++)
              r6.append(t6[s7], c3()), P.nextNode(), d3.push({ type: 2, index: ++l4 });
            r6.append(t6[i11], c3());
          }
        }
      } else if (8 === r6.nodeType)
        if (r6.data === n3)
          d3.push({ type: 2, index: l4 });
        else {
          let t6 = -1;
          for (; -1 !== (t6 = r6.data.indexOf(o3, t6 + 1)); )
            d3.push({ type: 7, index: l4 }), t6 += o3.length - 1;
        }
      l4++;
    }
  }
  static createElement(t5, i10) {
    const s7 = l2.createElement("template");
    return s7.innerHTML = t5, s7;
  }
};
function M(t5, i10, s7 = t5, e8) {
  if (i10 === E)
    return i10;
  let h7 = void 0 !== e8 ? s7._$Co?.[e8] : s7._$Cl;
  const o8 = a2(i10) ? void 0 : i10._$litDirective$;
  return h7?.constructor !== o8 && (h7?._$AO?.(false), void 0 === o8 ? h7 = void 0 : (h7 = new o8(t5), h7._$AT(t5, s7, e8)), void 0 !== e8 ? (s7._$Co ??= [])[e8] = h7 : s7._$Cl = h7), void 0 !== h7 && (i10 = M(t5, h7._$AS(t5, i10.values), h7, e8)), i10;
}
var R = class {
  constructor(t5, i10) {
    this._$AV = [], this._$AN = void 0, this._$AD = t5, this._$AM = i10;
  }
  get parentNode() {
    return this._$AM.parentNode;
  }
  get _$AU() {
    return this._$AM._$AU;
  }
  u(t5) {
    const { el: { content: i10 }, parts: s7 } = this._$AD, e8 = (t5?.creationScope ?? l2).importNode(i10, true);
    P.currentNode = e8;
    let h7 = P.nextNode(), o8 = 0, n8 = 0, r6 = s7[0];
    for (; void 0 !== r6; ) {
      if (o8 === r6.index) {
        let i11;
        2 === r6.type ? i11 = new k(h7, h7.nextSibling, this, t5) : 1 === r6.type ? i11 = new r6.ctor(h7, r6.name, r6.strings, this, t5) : 6 === r6.type && (i11 = new Z(h7, this, t5)), this._$AV.push(i11), r6 = s7[++n8];
      }
      o8 !== r6?.index && (h7 = P.nextNode(), o8++);
    }
    return P.currentNode = l2, e8;
  }
  p(t5) {
    let i10 = 0;
    for (const s7 of this._$AV)
      void 0 !== s7 && (void 0 !== s7.strings ? (s7._$AI(t5, s7, i10), i10 += s7.strings.length - 2) : s7._$AI(t5[i10])), i10++;
  }
};
var k = class {
  get _$AU() {
    return this._$AM?._$AU ?? this._$Cv;
  }
  constructor(t5, i10, s7, e8) {
    this.type = 2, this._$AH = A, this._$AN = void 0, this._$AA = t5, this._$AB = i10, this._$AM = s7, this.options = e8, this._$Cv = e8?.isConnected ?? true;
  }
  get parentNode() {
    let t5 = this._$AA.parentNode;
    const i10 = this._$AM;
    return void 0 !== i10 && 11 === t5?.nodeType && (t5 = i10.parentNode), t5;
  }
  get startNode() {
    return this._$AA;
  }
  get endNode() {
    return this._$AB;
  }
  _$AI(t5, i10 = this) {
    t5 = M(this, t5, i10), a2(t5) ? t5 === A || null == t5 || "" === t5 ? (this._$AH !== A && this._$AR(), this._$AH = A) : t5 !== this._$AH && t5 !== E && this._(t5) : void 0 !== t5._$litType$ ? this.$(t5) : void 0 !== t5.nodeType ? this.T(t5) : d2(t5) ? this.k(t5) : this._(t5);
  }
  O(t5) {
    return this._$AA.parentNode.insertBefore(t5, this._$AB);
  }
  T(t5) {
    this._$AH !== t5 && (this._$AR(), this._$AH = this.O(t5));
  }
  _(t5) {
    this._$AH !== A && a2(this._$AH) ? this._$AA.nextSibling.data = t5 : this.T(l2.createTextNode(t5)), this._$AH = t5;
  }
  $(t5) {
    const { values: i10, _$litType$: s7 } = t5, e8 = "number" == typeof s7 ? this._$AC(t5) : (void 0 === s7.el && (s7.el = S2.createElement(V(s7.h, s7.h[0]), this.options)), s7);
    if (this._$AH?._$AD === e8)
      this._$AH.p(i10);
    else {
      const t6 = new R(e8, this), s8 = t6.u(this.options);
      t6.p(i10), this.T(s8), this._$AH = t6;
    }
  }
  _$AC(t5) {
    let i10 = C.get(t5.strings);
    return void 0 === i10 && C.set(t5.strings, i10 = new S2(t5)), i10;
  }
  k(t5) {
    u2(this._$AH) || (this._$AH = [], this._$AR());
    const i10 = this._$AH;
    let s7, e8 = 0;
    for (const h7 of t5)
      e8 === i10.length ? i10.push(s7 = new k(this.O(c3()), this.O(c3()), this, this.options)) : s7 = i10[e8], s7._$AI(h7), e8++;
    e8 < i10.length && (this._$AR(s7 && s7._$AB.nextSibling, e8), i10.length = e8);
  }
  _$AR(t5 = this._$AA.nextSibling, s7) {
    for (this._$AP?.(false, true, s7); t5 !== this._$AB; ) {
      const s8 = i3(t5).nextSibling;
      i3(t5).remove(), t5 = s8;
    }
  }
  setConnected(t5) {
    void 0 === this._$AM && (this._$Cv = t5, this._$AP?.(t5));
  }
};
var H = class {
  get tagName() {
    return this.element.tagName;
  }
  get _$AU() {
    return this._$AM._$AU;
  }
  constructor(t5, i10, s7, e8, h7) {
    this.type = 1, this._$AH = A, this._$AN = void 0, this.element = t5, this.name = i10, this._$AM = e8, this.options = h7, s7.length > 2 || "" !== s7[0] || "" !== s7[1] ? (this._$AH = Array(s7.length - 1).fill(new String()), this.strings = s7) : this._$AH = A;
  }
  _$AI(t5, i10 = this, s7, e8) {
    const h7 = this.strings;
    let o8 = false;
    if (void 0 === h7)
      t5 = M(this, t5, i10, 0), o8 = !a2(t5) || t5 !== this._$AH && t5 !== E, o8 && (this._$AH = t5);
    else {
      const e9 = t5;
      let n8, r6;
      for (t5 = h7[0], n8 = 0; n8 < h7.length - 1; n8++)
        r6 = M(this, e9[s7 + n8], i10, n8), r6 === E && (r6 = this._$AH[n8]), o8 ||= !a2(r6) || r6 !== this._$AH[n8], r6 === A ? t5 = A : t5 !== A && (t5 += (r6 ?? "") + h7[n8 + 1]), this._$AH[n8] = r6;
    }
    o8 && !e8 && this.j(t5);
  }
  j(t5) {
    t5 === A ? this.element.removeAttribute(this.name) : this.element.setAttribute(this.name, t5 ?? "");
  }
};
var I = class extends H {
  constructor() {
    super(...arguments), this.type = 3;
  }
  j(t5) {
    this.element[this.name] = t5 === A ? void 0 : t5;
  }
};
var L = class extends H {
  constructor() {
    super(...arguments), this.type = 4;
  }
  j(t5) {
    this.element.toggleAttribute(this.name, !!t5 && t5 !== A);
  }
};
var z = class extends H {
  constructor(t5, i10, s7, e8, h7) {
    super(t5, i10, s7, e8, h7), this.type = 5;
  }
  _$AI(t5, i10 = this) {
    if ((t5 = M(this, t5, i10, 0) ?? A) === E)
      return;
    const s7 = this._$AH, e8 = t5 === A && s7 !== A || t5.capture !== s7.capture || t5.once !== s7.once || t5.passive !== s7.passive, h7 = t5 !== A && (s7 === A || e8);
    e8 && this.element.removeEventListener(this.name, this, s7), h7 && this.element.addEventListener(this.name, this, t5), this._$AH = t5;
  }
  handleEvent(t5) {
    "function" == typeof this._$AH ? this._$AH.call(this.options?.host ?? this.element, t5) : this._$AH.handleEvent(t5);
  }
};
var Z = class {
  constructor(t5, i10, s7) {
    this.element = t5, this.type = 6, this._$AN = void 0, this._$AM = i10, this.options = s7;
  }
  get _$AU() {
    return this._$AM._$AU;
  }
  _$AI(t5) {
    M(this, t5);
  }
};
var j = { M: h2, P: o3, A: n3, C: 1, L: N, R, D: d2, V: M, I: k, H, N: L, U: z, B: I, F: Z };
var B = t2.litHtmlPolyfillSupport;
B?.(S2, k), (t2.litHtmlVersions ??= []).push("3.3.3");
var D = (t5, i10, s7) => {
  const e8 = s7?.renderBefore ?? i10;
  let h7 = e8._$litPart$;
  if (void 0 === h7) {
    const t6 = s7?.renderBefore ?? null;
    e8._$litPart$ = h7 = new k(i10.insertBefore(c3(), t6), t6, void 0, s7 ?? {});
  }
  return h7._$AI(t5), h7;
};

// lit-element/lit-element.js
var s3 = globalThis;
var i4 = class extends y {
  constructor() {
    super(...arguments), this.renderOptions = { host: this }, this._$Do = void 0;
  }
  createRenderRoot() {
    const t5 = super.createRenderRoot();
    return this.renderOptions.renderBefore ??= t5.firstChild, t5;
  }
  update(t5) {
    const r6 = this.render();
    this.hasUpdated || (this.renderOptions.isConnected = this.isConnected), super.update(t5), this._$Do = D(r6, this.renderRoot, this.renderOptions);
  }
  connectedCallback() {
    super.connectedCallback(), this._$Do?.setConnected(true);
  }
  disconnectedCallback() {
    super.disconnectedCallback(), this._$Do?.setConnected(false);
  }
  render() {
    return E;
  }
};
i4._$litElement$ = true, i4["finalized"] = true, s3.litElementHydrateSupport?.({ LitElement: i4 });
var o4 = s3.litElementPolyfillSupport;
o4?.({ LitElement: i4 });
(s3.litElementVersions ??= []).push("4.2.2");

// lit-html/directive.js
var t3 = { ATTRIBUTE: 1, CHILD: 2, PROPERTY: 3, BOOLEAN_ATTRIBUTE: 4, EVENT: 5, ELEMENT: 6 };
var e4 = (t5) => (...e8) => ({ _$litDirective$: t5, values: e8 });
var i5 = class {
  constructor(t5) {
  }
  get _$AU() {
    return this._$AM._$AU;
  }
  _$AT(t5, e8, i10) {
    this._$Ct = t5, this._$AM = e8, this._$Ci = i10;
  }
  _$AS(t5, e8) {
    return this.update(t5, e8);
  }
  update(t5, e8) {
    return this.render(...e8);
  }
};

// lit-html/directives/class-map.js
var e5 = e4(class extends i5 {
  constructor(t5) {
    if (super(t5), t5.type !== t3.ATTRIBUTE || "class" !== t5.name || t5.strings?.length > 2)
      throw Error("`classMap()` can only be used in the `class` attribute and must be the only part in the attribute.");
  }
  render(t5) {
    return " " + Object.keys(t5).filter((s7) => t5[s7]).join(" ") + " ";
  }
  update(s7, [i10]) {
    if (void 0 === this.st) {
      this.st = /* @__PURE__ */ new Set(), void 0 !== s7.strings && (this.nt = new Set(s7.strings.join(" ").split(/\s/).filter((t5) => "" !== t5)));
      for (const t5 in i10)
        i10[t5] && !this.nt?.has(t5) && this.st.add(t5);
      return this.render(i10);
    }
    const r6 = s7.element.classList;
    for (const t5 of this.st)
      t5 in i10 || (r6.remove(t5), this.st.delete(t5));
    for (const t5 in i10) {
      const s8 = !!i10[t5];
      s8 === this.st.has(t5) || this.nt?.has(t5) || (s8 ? (r6.add(t5), this.st.add(t5)) : (r6.remove(t5), this.st.delete(t5)));
    }
    return E;
  }
});

// lit-html/directives/guard.js
var e6 = {};
var i6 = e4(class extends i5 {
  constructor() {
    super(...arguments), this.ot = e6;
  }
  render(r6, t5) {
    return t5();
  }
  update(t5, [s7, e8]) {
    if (Array.isArray(s7)) {
      if (Array.isArray(this.ot) && this.ot.length === s7.length && s7.every((r6, t6) => r6 === this.ot[t6]))
        return E;
    } else if (this.ot === s7)
      return E;
    return this.ot = Array.isArray(s7) ? Array.from(s7) : s7, this.render(s7, e8);
  }
});

// lit-html/directives/if-defined.js
var o5 = (o8) => o8 ?? A;

// lit-html/directive-helpers.js
var { I: t4 } = j;
var i7 = (o8) => o8;
var n4 = (o8) => null === o8 || "object" != typeof o8 && "function" != typeof o8;
var r4 = (o8) => void 0 === o8.strings;
var s4 = () => document.createComment("");
var v2 = (o8, n8, e8) => {
  const l4 = o8._$AA.parentNode, d3 = void 0 === n8 ? o8._$AB : n8._$AA;
  if (void 0 === e8) {
    const i10 = l4.insertBefore(s4(), d3), n9 = l4.insertBefore(s4(), d3);
    e8 = new t4(i10, n9, o8, o8.options);
  } else {
    const t5 = e8._$AB.nextSibling, n9 = e8._$AM, c7 = n9 !== o8;
    if (c7) {
      let t6;
      e8._$AQ?.(o8), e8._$AM = o8, void 0 !== e8._$AP && (t6 = o8._$AU) !== n9._$AU && e8._$AP(t6);
    }
    if (t5 !== d3 || c7) {
      let o9 = e8._$AA;
      for (; o9 !== t5; ) {
        const t6 = i7(o9).nextSibling;
        i7(l4).insertBefore(o9, d3), o9 = t6;
      }
    }
  }
  return e8;
};
var u3 = (o8, t5, i10 = o8) => (o8._$AI(t5, i10), o8);
var m2 = {};
var p3 = (o8, t5 = m2) => o8._$AH = t5;
var M2 = (o8) => o8._$AH;
var h3 = (o8) => {
  o8._$AR(), o8._$AA.remove();
};

// lit-html/directives/keyed.js
var i8 = e4(class extends i5 {
  constructor() {
    super(...arguments), this.key = A;
  }
  render(r6, t5) {
    return this.key = r6, t5;
  }
  update(r6, [t5, e8]) {
    return t5 !== this.key && (p3(r6), this.key = t5), e8;
  }
});

// lit-html/directives/live.js
var l3 = e4(class extends i5 {
  constructor(r6) {
    if (super(r6), r6.type !== t3.PROPERTY && r6.type !== t3.ATTRIBUTE && r6.type !== t3.BOOLEAN_ATTRIBUTE)
      throw Error("The `live` directive is not allowed on child or event bindings");
    if (!r4(r6))
      throw Error("`live` bindings can only contain a single expression");
  }
  render(r6) {
    return r6;
  }
  update(i10, [t5]) {
    if (t5 === E || t5 === A)
      return t5;
    const o8 = i10.element, l4 = i10.name;
    if (i10.type === t3.PROPERTY) {
      if (t5 === o8[l4])
        return E;
    } else if (i10.type === t3.BOOLEAN_ATTRIBUTE) {
      if (!!t5 === o8.hasAttribute(l4))
        return E;
    } else if (i10.type === t3.ATTRIBUTE && o8.getAttribute(l4) === t5 + "")
      return E;
    return p3(i10), t5;
  }
});

// lit-html/async-directive.js
var s5 = (i10, t5) => {
  const e8 = i10._$AN;
  if (void 0 === e8)
    return false;
  for (const i11 of e8)
    i11._$AO?.(t5, false), s5(i11, t5);
  return true;
};
var o6 = (i10) => {
  let t5, e8;
  do {
    if (void 0 === (t5 = i10._$AM))
      break;
    e8 = t5._$AN, e8.delete(i10), i10 = t5;
  } while (0 === e8?.size);
};
var r5 = (i10) => {
  for (let t5; t5 = i10._$AM; i10 = t5) {
    let e8 = t5._$AN;
    if (void 0 === e8)
      t5._$AN = e8 = /* @__PURE__ */ new Set();
    else if (e8.has(i10))
      break;
    e8.add(i10), c4(t5);
  }
};
function h4(i10) {
  void 0 !== this._$AN ? (o6(this), this._$AM = i10, r5(this)) : this._$AM = i10;
}
function n5(i10, t5 = false, e8 = 0) {
  const r6 = this._$AH, h7 = this._$AN;
  if (void 0 !== h7 && 0 !== h7.size)
    if (t5)
      if (Array.isArray(r6))
        for (let i11 = e8; i11 < r6.length; i11++)
          s5(r6[i11], false), o6(r6[i11]);
      else
        null != r6 && (s5(r6, false), o6(r6));
    else
      s5(this, i10);
}
var c4 = (i10) => {
  i10.type == t3.CHILD && (i10._$AP ??= n5, i10._$AQ ??= h4);
};
var f3 = class extends i5 {
  constructor() {
    super(...arguments), this._$AN = void 0;
  }
  _$AT(i10, t5, e8) {
    super._$AT(i10, t5, e8), r5(this), this.isConnected = i10._$AU;
  }
  _$AO(i10, t5 = true) {
    i10 !== this.isConnected && (this.isConnected = i10, i10 ? this.reconnected?.() : this.disconnected?.()), t5 && (s5(this, i10), o6(this));
  }
  setValue(t5) {
    if (r4(this._$Ct))
      this._$Ct._$AI(t5, this);
    else {
      const i10 = [...this._$Ct._$AH];
      i10[this._$Ci] = t5, this._$Ct._$AI(i10, this, 0);
    }
  }
  disconnected() {
  }
  reconnected() {
  }
};

// lit-html/directives/ref.js
var e7 = () => new h5();
var h5 = class {
};
var o7 = /* @__PURE__ */ new WeakMap();
var n6 = e4(class extends f3 {
  render(i10) {
    return A;
  }
  update(i10, [s7]) {
    const e8 = s7 !== this.G;
    return e8 && this.rt(void 0), (e8 || this.lt !== this.ct) && (this.G = s7, this.ht = i10.options?.host, this.rt(this.ct = i10.element)), A;
  }
  rt(t5) {
    if (void 0 !== this.G)
      if (this.isConnected || (t5 = void 0), "function" == typeof this.G) {
        const i10 = this.ht ?? globalThis;
        let s7 = o7.get(i10);
        void 0 === s7 && (s7 = /* @__PURE__ */ new WeakMap(), o7.set(i10, s7)), void 0 !== s7.get(this.G) && this.G.call(this.ht, void 0), s7.set(this.G, t5), void 0 !== t5 && this.G.call(this.ht, t5);
      } else
        this.G.value = t5;
  }
  get lt() {
    return "function" == typeof this.G ? o7.get(this.ht ?? globalThis)?.get(this.G) : this.G?.value;
  }
  disconnected() {
    this.lt === this.ct && this.rt(void 0);
  }
  reconnected() {
    this.rt(this.ct);
  }
});

// lit-html/directives/repeat.js
var u4 = (e8, s7, t5) => {
  const r6 = /* @__PURE__ */ new Map();
  for (let l4 = s7; l4 <= t5; l4++)
    r6.set(e8[l4], l4);
  return r6;
};
var c5 = e4(class extends i5 {
  constructor(e8) {
    if (super(e8), e8.type !== t3.CHILD)
      throw Error("repeat() can only be used in text expressions");
  }
  dt(e8, s7, t5) {
    let r6;
    void 0 === t5 ? t5 = s7 : void 0 !== s7 && (r6 = s7);
    const l4 = [], o8 = [];
    let i10 = 0;
    for (const s8 of e8)
      l4[i10] = r6 ? r6(s8, i10) : i10, o8[i10] = t5(s8, i10), i10++;
    return { values: o8, keys: l4 };
  }
  render(e8, s7, t5) {
    return this.dt(e8, s7, t5).values;
  }
  update(s7, [t5, r6, c7]) {
    const d3 = M2(s7), { values: p4, keys: a3 } = this.dt(t5, r6, c7);
    if (!Array.isArray(d3))
      return this.ut = a3, p4;
    const h7 = this.ut ??= [], v3 = [];
    let m4, y3, x2 = 0, j2 = d3.length - 1, k2 = 0, w2 = p4.length - 1;
    for (; x2 <= j2 && k2 <= w2; )
      if (null === d3[x2])
        x2++;
      else if (null === d3[j2])
        j2--;
      else if (h7[x2] === a3[k2])
        v3[k2] = u3(d3[x2], p4[k2]), x2++, k2++;
      else if (h7[j2] === a3[w2])
        v3[w2] = u3(d3[j2], p4[w2]), j2--, w2--;
      else if (h7[x2] === a3[w2])
        v3[w2] = u3(d3[x2], p4[w2]), v2(s7, v3[w2 + 1], d3[x2]), x2++, w2--;
      else if (h7[j2] === a3[k2])
        v3[k2] = u3(d3[j2], p4[k2]), v2(s7, d3[x2], d3[j2]), j2--, k2++;
      else if (void 0 === m4 && (m4 = u4(a3, k2, w2), y3 = u4(h7, x2, j2)), m4.has(h7[x2]))
        if (m4.has(h7[j2])) {
          const e8 = y3.get(a3[k2]), t6 = void 0 !== e8 ? d3[e8] : null;
          if (null === t6) {
            const e9 = v2(s7, d3[x2]);
            u3(e9, p4[k2]), v3[k2] = e9;
          } else
            v3[k2] = u3(t6, p4[k2]), v2(s7, d3[x2], t6), d3[e8] = null;
          k2++;
        } else
          h3(d3[j2]), j2--;
      else
        h3(d3[x2]), x2++;
    for (; k2 <= w2; ) {
      const e8 = v2(s7, v3[w2 + 1]);
      u3(e8, p4[k2]), v3[k2++] = e8;
    }
    for (; x2 <= j2; ) {
      const e8 = d3[x2++];
      null !== e8 && h3(e8);
    }
    return this.ut = a3, p3(s7, v3), E;
  }
});

// lit-html/directives/private-async-helpers.js
var s6 = class {
  constructor(t5) {
    this.G = t5;
  }
  disconnect() {
    this.G = void 0;
  }
  reconnect(t5) {
    this.G = t5;
  }
  deref() {
    return this.G;
  }
};
var i9 = class {
  constructor() {
    this.Y = void 0, this.Z = void 0;
  }
  get() {
    return this.Y;
  }
  pause() {
    this.Y ??= new Promise((t5) => this.Z = t5);
  }
  resume() {
    this.Z?.(), this.Y = this.Z = void 0;
  }
};

// lit-html/directives/until.js
var n7 = (t5) => !n4(t5) && "function" == typeof t5.then;
var h6 = 1073741823;
var c6 = class extends f3 {
  constructor() {
    super(...arguments), this._$Cwt = h6, this._$Cbt = [], this._$CK = new s6(this), this._$CX = new i9();
  }
  render(...s7) {
    return s7.find((t5) => !n7(t5)) ?? E;
  }
  update(s7, i10) {
    const e8 = this._$Cbt;
    let r6 = e8.length;
    this._$Cbt = i10;
    const o8 = this._$CK, c7 = this._$CX;
    this.isConnected || this.disconnected();
    for (let t5 = 0; t5 < i10.length && !(t5 > this._$Cwt); t5++) {
      const s8 = i10[t5];
      if (!n7(s8))
        return this._$Cwt = t5, s8;
      t5 < r6 && s8 === e8[t5] || (this._$Cwt = h6, r6 = 0, Promise.resolve(s8).then(async (t6) => {
        for (; c7.get(); )
          await c7.get();
        const i11 = o8.deref();
        if (void 0 !== i11) {
          const e9 = i11._$Cbt.indexOf(s8);
          e9 > -1 && e9 < i11._$Cwt && (i11._$Cwt = e9, i11.setValue(t6));
        }
      }));
    }
    return E;
  }
  disconnected() {
    this._$CK.disconnect(), this._$CX.pause();
  }
  reconnected() {
    this._$CK.reconnect(this), this._$CX.resume();
  }
};
var m3 = e4(c6);
export {
  i4 as LitElement,
  e5 as classMap,
  e7 as createRef,
  i6 as guard,
  b2 as html,
  o5 as ifDefined,
  i8 as keyed,
  l3 as live,
  A as nothing,
  n6 as ref,
  D as render,
  c5 as repeat,
  w as svg,
  m3 as until
};
