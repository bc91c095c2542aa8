// Search runs in a worker, which browsers refuse to a page that was opened from a file. There, a
// hidden frame does its work: it runs the same script, and messages go to and from it.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.waiting = [] // messages for a script that is not loaded yet
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.srcdoc = "<!doctype html>"
      frame.addEventListener("load", () => this.start(frame.contentWindow, url), { once: true })
      document.documentElement.appendChild(frame)
    }

    start(scope, url) {
      scope.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
      scope.importScripts = (...urls) => urls.reduce(
        (before, next) => before.then(() => this.load(scope, next)), Promise.resolve())
      this.load(scope, url).then(() => {
        this.scope = scope
        this.waiting.splice(0).forEach(data => this.postMessage(data))
      })
    }

    load(scope, url) {
      return new Promise((done, failed) => {
        const script = scope.document.createElement("script")
        script.src = url
        script.onload = done
        script.onerror = failed
        scope.document.head.appendChild(script)
      })
    }

    postMessage(data) {
      if (this.scope) this.scope.dispatchEvent(new MessageEvent("message", { data }))
      else this.waiting.push(data)
    }

    terminate() {}
  }
}
