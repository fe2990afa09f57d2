// Where one writes: text, commands, files and voice.
const MOST = 64 * 1024 * 1024;

export default {
  template: `
    <div class="composing">
      <div v-if="about" class="about">
        <span class="material-icons" aria-hidden="true">{{ editing ? 'edit' : 'reply' }}</span>
        <span class="words"><b dir="auto">{{ editing ? 'Edit message' : 'Reply to ' + about.from.name }}</b>
          <span dir="auto">{{ quote || about.text || 'Attachment' }}</span></span>
        <button type="button" class="icon" data-testid="cancel-reply" aria-label="Cancel" @click="cancel">
          <span class="material-icons" aria-hidden="true">close</span></button></div>
      <div v-if="files.length" class="files" data-testid="files">
        <span v-for="(file, at) in files" class="file" :key="file.url">
          <img v-if="file.picture && !asFiles" :src="file.url" :alt="file.blob.name">
          <span v-else class="document"><span class="material-icons" aria-hidden="true">description</span>{{ file.blob.name }}</span>
          <button type="button" class="remove" :aria-label="'Remove ' + file.blob.name" @click="files.splice(at, 1)">×</button></span>
        <label v-if="files.some((file) => file.picture)"><input type="checkbox" v-model="asFiles"> as files</label></div>
      <ul v-if="suggestions.length" class="commands" role="listbox" id="commands" data-testid="commands" aria-label="Commands">
        <li v-for="(one, at) in suggestions" :key="one.command" role="option" :id="'command-' + at"
          :aria-selected="String(at === chosen)" @mousedown.prevent="choose(one)" @mousemove="chosen = at">
          <b>/{{ one.command }}</b> <span>{{ one.description }}</span></li></ul>
      <div class="composer">
        <template v-if="recorder">
          <button type="button" class="icon" aria-label="Discard recording" @click="stop(false)">
            <span class="material-icons" aria-hidden="true">delete</span></button>
          <span class="recording" role="status"><span class="dot"></span> Recording {{ seconds }} s</span></template>
        <template v-else>
          <button type="button" class="icon" data-testid="attach" aria-label="Attach files" @click="$refs.picker.click()">
            <span class="material-icons" aria-hidden="true">attach_file</span></button>
          <input ref="picker" type="file" multiple hidden @change="take($event.target.files); $event.target.value = ''">
          <textarea ref="text" v-model="text" rows="1" dir="auto" maxlength="20000" data-testid="composer" aria-label="Message"
            :placeholder="placeholder || (files.length ? 'Caption' : 'Message')" @keydown="key" @paste="paste" @input="chosen = 0"
            role="combobox" aria-autocomplete="list" aria-haspopup="listbox" :aria-expanded="String(suggestions.length > 0)"
            :aria-controls="suggestions.length ? 'commands' : null"
            :aria-activedescendant="suggestions.length ? 'command-' + chosen : null"></textarea></template>
        <button v-if="recorder || text.trim() || files.length || editing" type="button" class="send" data-testid="send"
          :aria-label="editing ? 'Save' : 'Send'" @click="recorder ? stop(true) : send()">
          <span class="material-icons" aria-hidden="true">{{ editing ? 'check' : 'send' }}</span></button>
        <button v-else type="button" class="send" data-testid="record" aria-label="Record a voice message" @click="record">
          <span class="material-icons" aria-hidden="true">mic</span></button></div>
    </div>`,
  props: { commands: Array, room: Object },
  emits: ["send", "edit", "last", "failed"],
  data: () => ({
    text: "", files: [], asFiles: false, about: null, editing: false, quote: "", placeholder: "",
    place: "", chosen: 0, closed: false, recorder: null, seconds: 0,
  }),
  computed: {
    suggestions() {
      const typed = /^\/(\w*)$/.exec(this.text);
      if (!typed || this.closed || this.editing) return [];
      return this.commands.filter((one) => one.command.startsWith(typed[1].toLowerCase()));
    },
  },
  watch: {
    text() {
      this.closed = false;
      this.$nextTick(this.grow);
    },
  },
  created() {
    this.kept = JSON.parse(sessionStorage.getItem("kept") || "{}");
  },
  mounted() {
    document.addEventListener("keydown", this.anywhere);
    for (const name of ["dragover", "drop"]) document.addEventListener(name, this.dragged);
    window.addEventListener("pagehide", this.keep);
    this.sizes = new ResizeObserver(this.grow);
    this.sizes.observe(this.$el);
  },
  unmounted() {
    document.removeEventListener("keydown", this.anywhere);
    for (const name of ["dragover", "drop"]) document.removeEventListener(name, this.dragged);
    window.removeEventListener("pagehide", this.keep);
    this.sizes.disconnect();
  },
  methods: {
    anywhere(event) { // typing begins in the composer, wherever the focus is
      const elsewhere = !event.target.closest("input, textarea, select, [role=dialog], [role=menu], [role=listbox], [role=combobox]");
      if (elsewhere && event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) this.$refs.text?.focus();
    },
    grow() {
      const area = this.$refs.text;
      if (!area) return;
      area.style.height = "0";
      area.style.height = Math.min(area.scrollHeight, 240) + "px";
    },
    focus() {
      this.$nextTick(() => this.$refs.text?.focus());
    },
    reply(row, quote = "", placeholder = "") {
      if (this.editing) this.text = "";
      Object.assign(this, { about: row, quote, placeholder, editing: false });
      this.focus();
    },
    edit(row) {
      Object.assign(this, { about: row, quote: "", placeholder: "", editing: true, text: row.text });
      this.focus();
    },
    leave(id) { // the message is gone: what is being written about it becomes one of its own
      if (this.about?.id === id) Object.assign(this, { about: null, quote: "", placeholder: "", editing: false });
    },
    cancel() {
      if (this.editing) this.text = "";
      Object.assign(this, { about: null, quote: "", placeholder: "", editing: false });
      this.focus();
    },
    keep() { // what is being written waits for a reload, or for its chat to be opened again
      this.kept[this.place] = this.editing ? "" : this.text;
      sessionStorage.setItem("kept", JSON.stringify(this.kept));
    },
    move(place) {
      if (this.place) this.keep();
      this.clear();
      Object.assign(this, { place, text: this.kept[place] || "" });
    },
    clear() {
      this.files.forEach((file) => URL.revokeObjectURL(file.url));
      Object.assign(this, { text: "", files: [], about: null, quote: "", placeholder: "", editing: false, asFiles: false });
      if (this.recorder) this.stop(false);
    },
    key(event) {
      if (event.isComposing || event.keyCode === 229) return; // 229: Safari's Enter that ends a composition
      const many = this.suggestions.length;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (many && step) this.chosen = (this.chosen + step + many) % many;
      else if (many && (event.key === "Tab" || event.key === "Enter")) this.choose(this.suggestions[this.chosen], event.key === "Enter");
      else if (event.key === "Enter" && !event.shiftKey) this.send();
      else if (event.key === "Escape" && many) this.closed = true;
      else if (event.key === "Escape") this.cancel();
      else if (event.key === "ArrowUp" && !this.text) this.$emit("last");
      else return;
      event.preventDefault();
    },
    choose(one, now = true) {
      this.text = `/${one.command}${now ? "" : " "}`;
      if (now) this.send();
      else this.focus();
    },
    send() {
      if (!window.socket.connected) return; // the page says so, and the words stay here
      if (this.files.some((file) => file.blob.size > MOST)) return this.$emit("failed", "A file has at most 64 MB.");
      const text = this.text.trim();
      const about = this.editing ? {} : { reply_to: this.about?.id, quote: this.quote || undefined };
      if (this.editing) {
        if (text) this.$emit("edit", this.about.id, text);
      } else if (this.files.length) {
        this.post(text, { ...this.room, ...about });
      } else if (text) {
        this.$emit("send", { ...about, text });
      } else return;
      this.clear();
      this.focus();
    },
    async post(caption, about) {
      const pictures = this.asFiles ? [] : this.files.filter((file) => file.picture).map((file) => file.blob);
      const others = this.files.map((file) => file.blob).filter((blob) => !pictures.includes(blob));
      for (let at = 0; at < pictures.length; at += 10) { // an album has at most ten
        const part = pictures.slice(at, at + 10);
        await this.upload(part.length > 1 ? "album" : "photo", part, { ...about, caption: at ? "" : caption });
      }
      for (const [at, blob] of others.entries()) {
        await this.upload("document", [blob], { ...about, caption: at || pictures.length ? "" : caption });
      }
    },
    async upload(kind, blobs, fields) {
      const form = new FormData();
      for (const [name, value] of Object.entries({ ...fields, kind })) {
        if (value !== undefined && value !== null && value !== "") form.append(name, value);
      }
      blobs.forEach((blob, at) => form.append("files", blob, blob.name || `file-${at}`));
      try {
        const answer = await fetch("/upload", { method: "POST", body: form });
        const wrong = await answer.text();
        if (!answer.ok) this.$emit("failed", wrong);
      } catch {
        this.$emit("failed", "The file could not be sent: the sandbox does not answer.");
      }
    },
    take(list) {
      for (const blob of list) {
        this.files.push({ blob, url: URL.createObjectURL(blob), picture: /^image\/(png|jpeg|webp)$/.test(blob.type) });
      }
      if (list.length) this.focus();
    },
    paste(event) {
      const { files } = event.clipboardData;
      const alsoText = event.clipboardData.getData("text/plain") && [...files].every((file) => file.name === "image.png");
      if (!files.length || alsoText) return; // a spreadsheet's cells come as text and as a picture
      event.preventDefault();
      this.take(files);
    },
    dragged(event) { // anywhere: the browser would open the file in place of the page
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      if (event.type === "drop") this.take(event.dataTransfer.files);
    },
    async record() {
      if (this.asking) return;
      let stream;
      const { chat, topic } = this.room;
      this.asking = true;
      try {
        stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      } catch {
        return this.$emit("failed", "The browser gives no access to a microphone.");
      } finally {
        this.asking = false;
      }
      if (this.room.chat !== chat || this.room.topic !== topic) return stream.getTracks().forEach((track) => track.stop());
      const type = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus"].find((one) => MediaRecorder.isTypeSupported(one));
      const parts = [];
      const started = Date.now();
      const recorder = new MediaRecorder(stream, type ? { mimeType: type } : {});
      const counting = setInterval(() => (this.seconds = Math.round((Date.now() - started) / 1000)), 500);
      recorder.ondataavailable = (event) => parts.push(event.data);
      recorder.onstop = () => {
        clearInterval(counting);
        stream.getTracks().forEach((track) => track.stop());
        if (recorder.wanted) this.upload("voice", [new File(parts, "voice", { type: recorder.mimeType })], recorder.about);
      };
      this.seconds = 0;
      recorder.start();
      this.recorder = Vue.markRaw(recorder);
    },
    stop(wanted) {
      Object.assign(this.recorder, { wanted, about: { ...this.room, reply_to: this.about?.id } });
      this.recorder.stop();
      this.recorder = null;
      if (wanted) this.cancel();
      else this.focus();
    },
  },
};
