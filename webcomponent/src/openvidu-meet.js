(function (contract) {
  'use strict';

  var TAG = 'openvidu-meet';
  if (customElements.get(TAG)) return;

  var READY_TIMEOUT_MS = 10000;
  var STYLE =
    ':host{display:block;width:100%;height:100%}' +
    'iframe{display:block;width:100%;height:100%;border:0}' +
    '[hidden]{display:none!important}' +
    '.error-container{display:flex;flex-direction:column;align-items:center;justify-content:center;gap:12px;' +
    'box-sizing:border-box;width:100%;height:100%;padding:24px;text-align:center;' +
    'font:500 16px/1.5 system-ui,sans-serif;color:#26292b;background:#f5f5f5}' +
    '.error-icon{width:40px;height:40px;color:#b3261e}' +
    'button{min-height:44px;padding:0 20px;border:0;border-radius:10px;font:inherit;color:#fff;background:#00687d;cursor:pointer}' +
    'button:focus-visible{outline:2px solid #00687d;outline-offset:2px}' +
    '@media (prefers-color-scheme:dark){.error-container{color:#f0f0f0;background:#1f2020}' +
    '.error-icon{color:#ffb4ab}button{color:#00252d;background:#6fd2ea}button:focus-visible{outline-color:#6fd2ea}}';
  var SVG = 'http://www.w3.org/2000/svg';

  function warn(text) {
    console.warn('<' + TAG + '> ' + text);
  }

  /** The sheet of all elements; a host page's Content-Security-Policy does not stop a constructed one. */
  function dress(root) {
    if (root.adoptedStyleSheets && 'replaceSync' in CSSStyleSheet.prototype) {
      var sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } else {
      root.appendChild(document.createElement('style')).textContent = STYLE;
    }
  }

  /** `.error-container` with icon, text and retry button, made without markup strings (Trusted Types). */
  function errorBox(retry) {
    var box = document.createElement('div');
    box.className = 'error-container';
    box.hidden = true;
    box.setAttribute('role', 'alert');
    box.setAttribute('part', 'error');
    var icon = box.appendChild(document.createElementNS(SVG, 'svg'));
    Object.entries({ class: 'error-icon', viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor' }).forEach(
      ([name, value]) => icon.setAttribute(name, value)
    );
    icon.setAttribute('stroke-width', '2');
    icon.setAttribute('aria-hidden', 'true');
    icon
      .appendChild(document.createElementNS(SVG, 'path'))
      .setAttribute('d', 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zM12 7v6m0 4h.01');
    box.appendChild(document.createElement('div')).className = 'error-message';
    var button = box.appendChild(document.createElement('button'));
    button.type = 'button';
    button.textContent = 'Retry';
    button.setAttribute('part', 'retry');
    button.addEventListener('click', retry);
    return box;
  }

  /** The http(s) URL that `text` names, or null: nothing else may reach `src` or a redirect. */
  function webUrl(text, base) {
    try {
      var url = new URL(text, base);
      return /^https?:$/.test(url.protocol) ? url : null;
    } catch (_) {
      return null;
    }
  }

  /** Whether a boolean attribute is on: `true` in any case, or present without a value. */
  function isOn(value) {
    return value !== null && /^(true)?$/i.test(value);
  }

  class OpenViduMeet extends HTMLElement {
    #frame = document.createElement('iframe');
    #error = errorBox(() => this.#load(true));
    #handlers = new Map();
    #onMessage = (event) => this.#receive(event);
    #watchdog = 0;
    #scheduled = false;
    /** What the frame shows, as a `target`; null before and after. */
    #shown = null;
    #ready = false;
    #joined = false;

    constructor() {
      super();
      var root = this.attachShadow({ mode: 'open' });
      dress(root);
      this.#frame.allow = contract.permissions;
      this.#frame.title = 'OpenVidu Meet';
      root.append(this.#frame, this.#error);
    }

    static get observedAttributes() {
      return Object.keys(contract.attributes);
    }

    connectedCallback() {
      // A framework may have set properties before the element was defined.
      Object.values(contract.attributes).forEach((property) => {
        if (Object.hasOwn(this, property)) {
          var value = this[property];
          delete this[property];
          this[property] = value;
        }
      });
      window.addEventListener('message', this.#onMessage);
      this.#forget();
      this.#schedule();
    }

    disconnectedCallback() {
      window.removeEventListener('message', this.#onMessage);
      this.#forget();
      // Put back later, the frame must wait for its new address.
      this.#frame.removeAttribute('src');
    }

    /** `moveBefore` keeps the frame's document, and so the meeting. */
    connectedMoveCallback() {}

    attributeChangedCallback() {
      if (this.isConnected) this.#schedule();
    }

    /** Several attributes set one after the other load the frame once. */
    #schedule() {
      if (this.#scheduled) return;
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        if (this.isConnected) this.#load(false);
      });
    }

    #forget() {
      clearTimeout(this.#watchdog);
      this.#shown = null;
      this.#ready = this.#joined = false;
    }

    /** The frame's address with its origin, what it leads to, and with which secret; or null. */
    #target() {
      var url = webUrl(this.getAttribute('room-url') || this.getAttribute('recording-url'));
      if (!url) return null;
      var link = url.href;
      Object.keys(contract.attributes).forEach((name) => {
        var value = this.getAttribute(name);
        if (value === null || name === 'room-url' || name === 'recording-url') return;
        if (name === 'show-only-recordings') {
          value = isOn(value) ? 'true' : '';
        } else if (name === 'leave-redirect-url' && value) {
          var redirect = webUrl(value, document.baseURI);
          if (!redirect) warn('ignores leave-redirect-url: it is no http(s) URL');
          value = redirect ? redirect.href : '';
        }
        if (value) url.searchParams.set(name, value);
      });
      var place = url.origin + url.pathname + ' ' + url.searchParams.get('show-only-recordings');
      return { href: url.href, origin: url.origin, link: link, place: place };
    }

    /**
     * Loads the frame when it should show another room or recording, or when forced. Another link to the
     * same place takes effect at once only while nobody is in the meeting, other attributes at the next load.
     */
    #load(force) {
      if (location.origin === 'null') {
        return this.#fail('This page has no web origin, so it cannot host a meeting. Open it over http or https.', false);
      }
      var target = this.#target();
      var shown = this.#shown;
      if (!target) {
        this.#forget();
        this.#frame.removeAttribute('src');
        var given = this.hasAttribute('room-url') || this.hasAttribute('recording-url');
        return this.#fail(given ? 'The meeting address is not valid.' : 'The meeting address is missing.', false);
      }
      if (!force && shown && target.place === shown.place && (this.#joined || target.link === shown.link)) return;
      this.#forget();
      this.#shown = target;
      this.#error.hidden = true;
      this.#frame.hidden = false;
      this.#watchdog = setTimeout(() => this.#fail('The meeting could not be reached.', true), READY_TIMEOUT_MS);
      this.#frame.src = target.href;
    }

    #fail(message, retry) {
      clearTimeout(this.#watchdog);
      console.error('<' + TAG + '> ' + message);
      this.#error.querySelector('.error-message').textContent = message;
      this.#error.lastChild.hidden = !retry;
      this.#error.hidden = false;
      this.#frame.hidden = true;
    }

    #receive(message) {
      var data = message.data;
      if (
        !this.#shown ||
        message.source !== this.#frame.contentWindow ||
        message.origin !== this.#shown.origin ||
        !data ||
        typeof data.event !== 'string' ||
        !Object.hasOwn(contract.events, data.event)
      ) {
        return;
      }
      var name = data.event;
      // Each load of the frame begins with `ready`, also one that the frame did by itself.
      this.#joined = name === 'joined';
      if (name === 'ready') {
        clearTimeout(this.#watchdog);
        this.#ready = true;
        this.#error.hidden = true;
        this.#frame.hidden = false;
        this.#post('initialize', { domain: location.origin });
      }
      var payload = Object.assign({}, data.payload);
      [contract.events[name], name, name.toUpperCase()].forEach((type) => {
        if (type) this.dispatchEvent(new CustomEvent(type, { detail: payload, bubbles: true, composed: true }));
      });
      var argument = Object.assign({}, payload);
      Object.defineProperty(argument, 'detail', { value: argument });
      (this.#handlers.get(name) || []).slice().forEach((handler) => {
        if (handler.once) this.#remove(name, handler);
        try {
          handler.callback.call(this, argument);
        } catch (error) {
          // One host callback must not keep the others from running.
          setTimeout(() => {
            throw error;
          });
        }
      });
    }

    #post(command, payload) {
      if (this.#ready) {
        this.#frame.contentWindow.postMessage({ command: command, payload: payload || {} }, this.#shown.origin);
      }
    }

    /** The registry's name of an event: any case, old or newer spelling; undefined if unknown. */
    #name(text) {
      var wanted = String(text).toLowerCase();
      return Object.keys(contract.events).find(
        (name) => name === wanted || (contract.events[name] && contract.events[name].toLowerCase() === wanted)
      );
    }

    #add(event, callback, once) {
      var name = this.#name(event);
      if (!name) warn('has no event "' + event + '"');
      else if (typeof callback !== 'function') warn('needs a function to call on "' + event + '"');
      else this.#handlers.set(name, (this.#handlers.get(name) || []).concat({ callback: callback, once: once }));
      return this;
    }

    #remove(name, handler) {
      this.#handlers.set(name, (this.#handlers.get(name) || []).filter((other) => other !== handler));
    }

    on(event, callback) {
      return this.#add(event, callback, false);
    }

    once(event, callback) {
      return this.#add(event, callback, true);
    }

    off(event, callback) {
      var name = this.#name(event);
      if (!name) warn('has no event "' + event + '"');
      else if (callback === undefined) this.#handlers.delete(name);
      else {
        (this.#handlers.get(name) || [])
          .filter((handler) => handler.callback === callback)
          .forEach((handler) => this.#remove(name, handler));
      }
      return this;
    }

    endMeeting() {
      this.#post('endMeeting');
    }

    leaveRoom() {
      this.#post('leaveRoom');
    }

    kickParticipant(participantIdentity) {
      if (participantIdentity) this.#post('kickParticipant', { participantIdentity: String(participantIdentity) });
      else warn('needs the identity of the participant to kick');
    }
  }

  Object.entries(contract.attributes).forEach(([attribute, property]) => {
    Object.defineProperty(OpenViduMeet.prototype, property, {
      configurable: true,
      enumerable: true,
      get() {
        var value = this.getAttribute(attribute);
        return attribute === 'show-only-recordings' ? isOn(value) : value;
      },
      set(value) {
        if (value === null || value === undefined || value === false) this.removeAttribute(attribute);
        else this.setAttribute(attribute, String(value));
      },
    });
  });
  Object.entries(contract.aliases).forEach(([alias, method]) => {
    OpenViduMeet.prototype[alias] = OpenViduMeet.prototype[method];
  });

  customElements.define(TAG, OpenViduMeet);
})(/*contract*/);
