// The chats at the left, with topics of forums below them.
import { tint } from "bubble";

export default {
  template: `
    <nav class="chats" aria-label="Chats" data-testid="chats">
      <button v-for="chat in chats" :key="chat.key" type="button" class="chat"
        :class="{active: chat.key === active, topic: chat.topic}"
        :data-key="chat.key" :aria-current="chat.key === active ? 'true' : null"
        :data-testid="(!chat.topic ? 'chat-' : 'topic-') + chat.title"
        @click="$emit('open', chat.key)">
        <span class="avatar" :class="tint(chat.title)" aria-hidden="true">
          <template v-if="!chat.topic">{{ initials(chat.title) }}</template>
          <span v-else class="material-icons">tag</span>
        </span>
        <span class="words">
          <span class="line"><b dir="auto">{{ chat.title }}</b><span class="kind" v-if="chat.note">{{ chat.note }}</span>
            <time>{{ time(chat.date) }}</time></span>
          <span class="line"><span class="preview" dir="auto">
            <span v-if="chat.typing" class="typing">typing…</span>
            <template v-else><span v-if="chat.from" class="from">{{ chat.from }}: </span>{{ chat.preview }}</template></span>
            <span v-if="chat.unread" class="unread">{{ chat.unread }}<span class="sr"> unread</span></span></span>
        </span>
      </button>
    </nav>`,
  props: { chats: Array, active: String },
  emits: ["open"],
  mounted() {
    document.addEventListener("keydown", this.step);
  },
  unmounted() {
    document.removeEventListener("keydown", this.step);
  },
  methods: {
    tint,
    step(event) {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by || !(event.ctrlKey || event.altKey) || event.shiftKey || event.metaKey) return;
      event.preventDefault();
      const at = this.chats.findIndex((chat) => chat.key === this.active);
      const next = this.chats[(at + by + this.chats.length) % this.chats.length];
      if (next) this.$emit("open", next.key);
    },
    initials(title) {
      return title.split(/\s+/).slice(0, 2).map((word) => [...word][0] || "").join("").toUpperCase();
    },
    time(date) {
      if (!date) return "";
      const then = new Date(date * 1000);
      const today = then.toDateString() === new Date().toDateString();
      return then.toLocaleString([], today ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" });
    },
  },
};
