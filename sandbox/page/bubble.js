// One message: what it says, its files, its buttons and reactions.
// Of Telegram's seven colors for people and chats, the one that belongs to a name.
export const tint = (name) => "tint" + ([...name].reduce((sum, char) => (sum * 31 + char.codePointAt(0)) % 9973, 7) % 7);

export default {
  template: `
    <article class="message" :class="{mine, theirs: !mine, first, last, wide: row.buttons.length}" :data-id="row.id"
      :data-testid="'message-' + row.id" :aria-label="row.from.name + ', ' + time">
      <span v-if="named" class="avatar small" :class="tint" aria-hidden="true">{{ [...row.from.name][0] }}</span>
      <div class="column">
        <div class="bubble" @contextmenu="menu">
          <div v-if="named && first" class="sender" :class="tint" dir="auto">{{ row.from.name }}</div>
          <div v-if="row.ephemeral_for" class="only">Only {{ row.ephemeral_for }} can see this</div>
          <button v-if="row.reply_to" type="button" class="reply" @click="$emit('go', row.reply_to.id)">
            <b dir="auto">{{ row.reply_to.from }}</b><span dir="auto">{{ row.quote || row.reply_to.text }}</span></button>
          <div v-if="photos.length" class="photos" :class="'of' + Math.min(photos.length, 4)">
            <a v-for="photo in photos" :href="'/files/' + photo.photo" target="_blank" rel="noopener" :key="photo.id">
              <img :src="'/files/' + photo.photo" :alt="photo.text || 'Photo'" loading="lazy"></a></div>
          <div v-if="row.voice" class="voice">
            <button type="button" class="round" :aria-label="playing ? 'Pause' : 'Play voice message'" @click="play">
              <span class="material-icons" aria-hidden="true">{{ playing ? 'pause' : 'play_arrow' }}</span></button>
            <span class="track"><span :style="{width: 100 * at / (row.voice.duration || 1) + '%'}"></span></span>
            <span class="seconds">{{ clock(playing ? at : row.voice.duration) }}</span>
            <audio ref="audio" preload="none" :src="'/files/' + row.voice.file" @timeupdate="at = $event.target.currentTime"
              @ended="playing = false" @pause="playing = false" @play="playing = true"></audio></div>
          <a v-if="row.document" class="document" :href="'/files/' + row.document.file + '?name=' + encodeURIComponent(row.document.name)" :download="row.document.name">
            <span class="round"><span class="material-icons" aria-hidden="true">description</span></span>
            <span><b dir="auto">{{ row.document.name }}</b><small>{{ Math.ceil(row.document.size / 1024) }} KB</small></span></a>
          <div class="said" :class="{plain: !row.rich && !row.reactions.length}" dir="auto">
            <div v-if="row.html" class="text" :class="{rich: row.rich}" v-html="row.html"></div>
            <div class="foot">
              <button v-for="reaction in row.reactions" type="button" class="reaction"
                :class="{chosen: reaction.people.includes(me)}" :aria-pressed="String(reaction.people.includes(me))"
                :title="reaction.people.join(', ')" @click="$emit('react', row, reaction.emoji)">
                {{ reaction.emoji }} {{ reaction.people.length }}</button>
              <span class="meta" dir="ltr"><template v-if="row.edited">edited </template>{{ time }}</span></div></div>
        </div>
        <div v-for="(line, at) in numbered" class="keyboard" :key="at">
          <template v-for="button in line" :key="button.index">
            <a v-if="button.url" :href="button.url" target="_blank" rel="noopener noreferrer" class="key">{{ button.text }}
              <span class="material-icons corner" aria-hidden="true">north_east</span></a>
            <button v-else-if="button.copy" type="button" class="key" @click="copy(button.copy)">{{ button.text }}
              <span class="material-icons corner" aria-hidden="true">content_copy</span></button>
            <button v-else type="button" class="key" :class="button.style" :aria-busy="String(pressed.includes(button.index))"
              @click="$emit('press', row.id, button.index)">{{ button.text }}
              <span v-if="pressed.includes(button.index)" class="spinner corner" aria-hidden="true"></span></button>
          </template></div>
      </div>
      <div class="tools">
        <button v-if="inspect" type="button" class="inspect" @click="$emit('inspect', row.id)"
          title="What this answer was made of"><span class="material-icons" aria-hidden="true">manage_search</span>Inspect</button>
        <button type="button" class="icon" aria-label="Actions of the message" aria-haspopup="menu"
          :data-testid="'menu-' + row.id" @click="menu"><span class="material-icons" aria-hidden="true">more_vert</span></button>
      </div>
    </article>`,
  props: { row: Object, album: Array, mine: Boolean, named: Boolean, first: Boolean, last: Boolean, me: String, inspect: Boolean,
    pressed: { type: Array, default: () => [] } },
  emits: ["menu", "go", "react", "press", "inspect"],
  data: () => ({ playing: false, at: 0 }),
  computed: {
    photos() {
      return this.album || (this.row.photo ? [this.row] : []);
    },
    numbered() {
      let index = 0;
      return this.row.buttons.map((line) => line.map((button) => ({ ...button, index: index++ })));
    },
    tint() {
      return tint(this.row.from.name);
    },
    time() {
      return new Date(this.row.date * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    },
  },
  methods: {
    clock: (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`,
    menu(event) {
      if (event.target.closest?.("a") && event.type === "contextmenu") return;
      event.preventDefault();
      const box = event.currentTarget.getBoundingClientRect();
      const pointed = event.type === "contextmenu";
      this.$emit("menu", this.row, pointed ? event.clientX : box.left, pointed ? event.clientY : box.bottom, event.currentTarget);
    },
    copy: (text) => navigator.clipboard.writeText(text),
    play() {
      const audio = this.$refs.audio;
      if (audio.paused) audio.play().catch(() => (this.playing = false));
      else audio.pause();
    },
  },
};
