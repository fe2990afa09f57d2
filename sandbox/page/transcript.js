// The messages of one chat, newest at the bottom, and the composer below them.
import Bubble from "bubble";
import Composer from "composer";

const REACTIONS = ["👍", "❤️", "🔥", "😁", "🤔", "👎"];
const GROUP_S = 600; // messages of one person within so many seconds look like one
const ACTION_S = 5; // for so long the bot is typing
const PRESSED_MS = 15000; // a bot may never answer a press

export default {
  components: { Bubble, Composer },
  template: `
    <section class="transcript" :data-place="place" :data-speaker="room.as">
      <div ref="log" class="log" role="log" aria-live="off" aria-label="Messages" tabindex="0" data-testid="messages" @scroll.passive="scrolled"><div ref="flow">
        <div v-if="loading" class="pill" role="status">Loading…</div>
        <template v-for="item in items" :key="item.key">
          <div v-if="item.day" class="pill day">{{ item.day }}</div>
          <div v-else-if="item.row.service" class="pill" :data-testid="'message-' + item.row.id">{{ item.row.service }}</div>
          <bubble v-else :row="item.row" :album="item.album" :first="item.first" :last="item.last" :mine="item.mine"
            :named="grouped && !item.mine" :me="room.as" :inspect="inspector && item.row.from.bot" :pressed="pressed[item.row.id]"
            @menu="openMenu" @go="go" @react="react" @press="press" @inspect="(id) => $emit('inspect', id)"></bubble>
        </template>
        <div v-if="!items.length && !loading" class="pill">No messages here yet. {{ hint }}</div>
        <article v-if="draft" class="message theirs first last" data-testid="draft" aria-label="Answer being written">
          <div class="column"><div class="bubble drafting">
            <div v-if="draft.html" class="text" :class="{rich: draft.rich}" dir="auto" v-html="draft.html"></div>
            <div v-else class="text thinking">Thinking…</div>
            <button v-if="draft.can_stop" type="button" class="stop" data-testid="stop-draft" @click="$emit('stop')">
              <span class="material-icons" aria-hidden="true">stop</span>Stop</button></div></div></article>
        <div v-else-if="action" class="message theirs first last"><div class="bubble dots" data-testid="typing">
          <span class="sr">{{ botName }} is writing</span><i></i><i></i><i></i></div></div>
      </div></div>
      <button v-if="away" type="button" class="down" aria-label="Go to the newest message" @click="toEnd(true)">
        <span class="material-icons" aria-hidden="true">expand_more</span><span v-if="unseen" class="unread">{{ unseen }}</span></button>
      <button v-if="selection && !menu" type="button" class="quoting" data-testid="quote" :style="selection.style" @mousedown.prevent="quote">
        <span class="material-icons" aria-hidden="true">format_quote</span>Quote</button>
      <div v-if="menu" class="veil" @mousedown="menu = null" @contextmenu.prevent="menu = null"></div>
      <div v-if="menu" ref="menu" class="menu" role="menu" aria-label="Message" :style="menu.style" @keydown="walk">
        <div class="emojis" role="group" aria-label="React"><button v-for="emoji in REACTIONS" type="button" role="menuitem"
          @click="act('react', emoji)">{{ emoji }}</button></div>
        <button v-for="one in actions" type="button" role="menuitem" :class="{danger: one.name === 'Delete'}" @click="act(one.name)">
          <span class="material-icons" aria-hidden="true">{{ one.icon }}</span>{{ one.name }}</button></div>
      <div class="sr" aria-live="polite" data-testid="announcement">{{ announced }}</div>
      <div v-if="closed" class="closed">{{ closed }}</div>
      <composer v-show="!closed" ref="composer" :commands="commands" :room="room" @send="(one) => $emit('send', one)"
        @edit="(id, text) => $emit('edit', id, text)" @last="editLast" @failed="(text) => $emit('failed', text)"></composer>
    </section>`,
  props: { inspector: Boolean, botName: String },
  emits: ["send", "edit", "delete", "react", "press", "stop", "older", "inspect", "failed", "copied"],
  data: () => ({
    rows: [], more: false, loading: false, draft: null, action: "", commands: [], room: {}, grouped: false, closed: "", hint: "",
    menu: null, selection: null, away: false, unseen: 0, announced: "", pressed: {}, REACTIONS,
  }),
  computed: {
    place() {
      return [this.room.chat, this.room.topic].filter(Boolean).join(".");
    },
    items() {
      const found = [];
      let before = null;
      for (const row of this.rows) {
        const day = new Date(row.date * 1000).toDateString();
        const joined = before?.row;
        if (!joined || before.date !== day) {
          found.push({ key: `day-${row.id}`, day: this.day(row.date) });
          before = null;
        }
        if (before && row.album && row.album === joined.album) {
          before.album = [...(before.album || [joined]), row];
          if (!before.row.html && row.html) before.row = { ...before.row, html: row.html, text: row.text, rich: row.rich };
          continue;
        }
        const first = !before || joined.service || joined.from.name !== row.from.name || row.date - joined.date > GROUP_S;
        if (before && !first) before.last = false;
        before = { key: row.id, row, album: null, first, last: true, mine: row.from.name === this.room.as && !row.from.bot, date: day };
        found.push(before);
      }
      return found;
    },
    actions() {
      const row = this.menu.row;
      const mine = row.from.name === this.room.as && !row.from.bot;
      return [
        { name: "Reply", icon: "reply" },
        this.menu.words && { name: "Quote", icon: "format_quote" },
        row.text && { name: "Copy text", icon: "content_copy" },
        mine && row.text && { name: "Edit", icon: "edit" },
        row.from.bot && this.inspector && { name: "Inspect", icon: "manage_search" },
        mine && { name: "Delete", icon: "delete" },
      ].filter(Boolean);
    },
  },
  mounted() {
    document.addEventListener("selectionchange", this.selected);
    this.$el.addEventListener("click", this.inText);
    // Heights are estimates until a message is seen, and pictures come late: who was at the end stays there.
    this.sizes = new ResizeObserver(() => !this.away && this.toEnd());
    [this.$refs.log, this.$refs.flow].forEach((one) => this.sizes.observe(one));
  },
  unmounted() {
    document.removeEventListener("selectionchange", this.selected);
    this.sizes.disconnect();
  },
  methods: {
    // called by the page
    open(state) {
      // The same chat is read again after a lost connection: what is being written there stays.
      const { chat, topic } = this.room;
      if (state.room.chat !== chat || state.room.topic !== topic) this.$refs.composer.move(`${state.room.chat}.${state.room.topic}`);
      Object.assign(this, { draft: null, action: "", menu: null, selection: null, loading: false, away: false, unseen: 0, announced: "" }, state);
      this.rows.forEach(Object.freeze);
      const asking = this.rows.findLast((row) => !row.service);
      this.expire();
      this.$nextTick(() => {
        this.toEnd();
        if (asking) this.prompt(asking);
        if (matchMedia("(min-width: 720px)").matches) this.$refs.composer.focus();
      });
    },
    put(row) {
      Object.freeze(row);
      const at = this.rows.findIndex((one) => one.id === row.id);
      if (at >= 0) this.rows.splice(at, 1, row);
      else {
        const place = row.id < 0 ? -1 : this.rows.findLastIndex((one) => one.id < row.id && one.id > 0);
        this.rows.splice(row.id < 0 ? this.rows.length : place + 1, 0, row);
        if (row.from.bot) this.announced = `${row.from.name}: ${row.text}`;
        if (this.away) this.unseen += 1;
        this.prompt(row);
      }
      if (row.from.bot && at < 0) Object.assign(this, { draft: null, action: "" });
      this.follow();
    },
    gone(id) {
      this.rows = this.rows.filter((row) => row.id !== id);
      if (this.menu?.row.id === id) this.menu = null;
      this.$refs.composer.leave(id);
    },
    older({ rows, more }) {
      const log = this.$refs.log;
      const below = log.scrollHeight - log.scrollTop;
      rows.forEach(Object.freeze);
      this.rows.unshift(...rows);
      Object.assign(this, { more, loading: false });
      this.$nextTick(() => (log.scrollTop = log.scrollHeight - below));
    },
    show(changes) {
      Object.assign(this, changes);
      this.expire();
      this.follow();
    },
    change(id, changes) {
      const at = this.rows.findIndex((row) => row.id === id);
      if (at >= 0) this.rows.splice(at, 1, Object.freeze({ ...this.rows[at], ...changes }));
    },
    answered(id, button) {
      this.pressed[id] = (this.pressed[id] || []).filter((one) => one !== button);
    },
    // inside
    press(id, button) {
      if (this.pressed[id]?.includes(button)) return;
      this.pressed[id] = [...(this.pressed[id] || []), button];
      this.$emit("press", id, button);
      setTimeout(() => this.answered(id, button), PRESSED_MS);
    },
    expire() {
      clearTimeout(this.expiry);
      const left = this.draft ? this.draft.left : ACTION_S;
      this.expiry = setTimeout(() => Object.assign(this, { draft: null, action: "" }), 1000 * left);
    },
    prompt(row) {
      if (row.asks !== null && row.from.bot && (row.opened_for || [this.room.as]).includes(this.room.as)) this.$refs.composer.reply(row, "", row.asks || "Your answer");
    },
    day(date) {
      const then = new Date(date * 1000);
      const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(then).setHours(0, 0, 0, 0)) / 86400000);
      return ["Today", "Yesterday"][days] || then.toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });
    },
    scrolled() {
      const log = this.$refs.log;
      const size = `${log.clientWidth}x${log.clientHeight}`;
      if (size !== this.size) { // such as beside the inspector: what moved is the text, not the reader
        this.size = size;
        if (!this.away) return this.toEnd();
      }
      this.away = log.scrollHeight - log.scrollTop - log.clientHeight > 120;
      if (!this.away) this.unseen = 0;
      if (this.more && !this.loading && log.scrollTop < 900) {
        this.loading = true;
        this.$emit("older", this.rows.find((row) => row.id > 0)?.id);
      }
    },
    follow() {
      if (!this.away) this.$nextTick(() => this.toEnd());
    },
    toEnd(gently = false) {
      this.$refs.log.scrollTo({ top: this.$refs.log.scrollHeight, behavior: gently ? "smooth" : "instant" });
    },
    go(id) {
      const found = this.$refs.log.querySelector(`[data-id="${id}"]`);
      if (!found) return;
      found.scrollIntoView({ block: "center", behavior: "smooth" });
      found.classList.remove("found");
      void found.offsetWidth; // starts the animation again
      found.classList.add("found");
    },
    words(row) {
      const chosen = document.getSelection();
      const inside = chosen.anchorNode?.parentElement?.closest(`[data-id="${row.id}"] .text`);
      return inside?.contains(chosen.focusNode) ? chosen.toString().trim() : "";
    },
    selected() {
      const chosen = document.getSelection();
      const holder = chosen.isCollapsed ? null : chosen.anchorNode?.parentElement?.closest(".text");
      const row = holder && this.rows.find((one) => one.id === Number(holder.closest("[data-id]")?.dataset.id));
      const words = row ? this.words(row) : "";
      if (!words) return (this.selection = null);
      const box = chosen.getRangeAt(0).getBoundingClientRect();
      const all = this.$el.getBoundingClientRect();
      this.selection = { row, words, style: { left: `${box.left - all.left}px`, top: `${Math.max(box.top - all.top - 40, 4)}px` } };
    },
    quote() {
      this.$refs.composer.reply(this.selection.row, this.selection.words);
      document.getSelection().removeAllRanges();
    },
    openMenu(row, x, y, from) {
      const all = this.$el.getBoundingClientRect();
      const [left, top] = [Math.min(x - all.left, all.width - 230), Math.min(y - all.top, all.height - 320)];
      this.menu = { row, from, words: this.words(row), style: { left: `${Math.max(left, 8)}px`, top: `${Math.max(top, 8)}px` } };
      this.$nextTick(() => this.$refs.menu.querySelector("button").focus());
    },
    walk(event) {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (event.key === "Escape" || event.key === "Tab") {
        this.menu.from?.focus?.();
        this.menu = null;
      } else if (step) {
        const all = [...this.$refs.menu.querySelectorAll("button")];
        all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
      } else return;
      event.preventDefault();
    },
    act(name, emoji) {
      const { row, words } = this.menu;
      this.menu = null;
      if (name === "react") this.react(row, emoji);
      else if (name === "Reply") this.$refs.composer.reply(row);
      else if (name === "Quote") this.$refs.composer.reply(row, words);
      else if (name === "Edit") this.$refs.composer.edit(row);
      else if (name === "Copy text") navigator.clipboard.writeText(row.text).then(() => this.$emit("copied"));
      else this.$emit(name.toLowerCase(), row.id);
    },
    react(row, emoji) {
      const had = row.reactions.some((one) => one.emoji === emoji && one.people.includes(this.room.as));
      this.$emit("react", row.id, had ? "" : emoji);
    },
    editLast() {
      const row = this.rows.findLast((one) => one.from.name === this.room.as && !one.from.bot && one.text);
      if (row) this.$refs.composer.edit(row);
    },
    inText(event) {
      const found = event.target.closest(".copy, .command, .spoiler");
      if (!found) return;
      if (found.matches(".copy")) {
        navigator.clipboard.writeText(found.closest("figure").querySelector("code").textContent);
        found.textContent = "Copied";
        setTimeout(() => (found.textContent = "Copy"), 2000);
      } else if (found.matches(".command")) this.$emit("send", { text: found.dataset.command });
      else found.classList.add("shown");
    },
  },
};
