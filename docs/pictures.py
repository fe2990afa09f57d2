"""Take the pictures of the sandbox's page and the inspector: ``make pictures``.

Everything in them is real: the bot, its database, and the answers of the local model, which is why these are silly.
"""

import sys
import tempfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect

from sandbox.local_model import missing
from tests.browser import chromium, sandbox_process
from tests.browser.messenger import Messenger
from tests.browser.visits import PHONE, Visits

FOLDER = Path(__file__).parent
BOT = "@keepsake_sandbox_bot"
SCREEN = {"viewport": {"width": 1280, "height": 780}, "device_scale_factor": 1.5}
INSPECTOR: ViewportSize = {"width": 1180, "height": 1080}
CUT = "The model reached its length limit"
"""What the bot says below an answer that the model did not finish."""
COLORS = 256
MOST_BYTES = 250_000
ANSWER_MS = 120_000
BEGINNING = (
    "What is Lisbon known for?",
    "Name three things to pack for the beach.",
    "My sister Mia comes with me. She is allergic to walnuts, please remember that!",
    "What should I cook for her birthday?",
)
"""What someone asks and tells the bot first ..."""
GROUP = (
    ("Ann", "Who is bringing what on Saturday?"),
    ("Bob", "I'll bake a cake 🍰"),
    ("Ann", "Yum! But I'm allergic to walnuts, please remember that."),
    ("You", f"{BOT} what is a good drink for a party?"),
)
"""Friends speak, and ask the bot ..."""
TALK = (
    "We are back from Lisbon! The flight was late, our suitcase came an hour after us, and the taxi driver took "
    "the longest way there is. But from our balcony we saw the river, and the bakery next door opened at six "
    "every morning.",
    "On the first day we took the old yellow tram up the hill. It was so full that we stood all the way, next to "
    "a lady with two chickens in a basket. At the top there is a garden with peacocks, where we ate sandwiches "
    "and read.",
    "Then it rained, so we went to the museum of tiles. I had no idea that one can tell whole stories with blue "
    "tiles: battles, markets, a cat that steals a fish. We bought four small ones, which will go above the "
    "kitchen sink.",
    "I had a surfing lesson, too. The water was cold, the waves were small, and I fell off the board about thirty "
    "times. Once I stood for three seconds! The teacher said that is quite good for a person who is over forty.",
    "In the evening we listened to fado in a cellar. People may not talk while they sing. One song was about a "
    "sailor who does not come back, and the man at the next table cried into his soup. Then all of us got rice "
    "pudding.",
    "We took a train to the castle in the mountains. It looks as if a child had painted it, red and yellow, with "
    "a dragon above the gate. In the forest below it was so foggy that we could hardly see the path, and very "
    "quiet.",
    "On the last day we swam before breakfast, wrote eleven postcards, and found no stamps. They are still in my "
    "bag, so you will get yours by hand. Yours has a sardine on it that wears a hat, and I think it looks a bit "
    "like your uncle.",
    "Here it was less exciting. The heating broke on Monday, the man came on Wednesday, and the part that he "
    "needed came on Friday. We all sat in the kitchen around the oven, played cards in coats, and baked bread "
    "only to stay warm.",
    "My garden, though! The tomatoes are as high as my shoulders, the beans have climbed into the apple tree, and "
    "there is a hedgehog that comes every evening at nine and eats what the cat leaves. I have called him "
    "Ferdinand.",
    "I have read that book you lent me. The first hundred pages are slow, then a letter arrives and nobody can "
    "stop. I missed my station twice because of it. The end is sad, but in a good way, and I want to know who "
    "wrote the letter.",
    "At work we have moved to the fourth floor. The view is great, the coffee machine is not, and the lift has "
    "been broken since the day we came. At least I get some exercise: eighty steps in the morning, and eighty "
    "after lunch.",
    "My bicycle has been repaired. The chain was rusty, a spoke was broken, and in the saddle there was a nest of "
    "mice, which the mechanic has moved to his shed. He says that they are welcome, since his cat is older than "
    "both of us.",
    "Did you hear that they will build a swimming pool next to the school? It will have a slide, a sauna, and a "
    "wall to climb on. My nephew has counted the days until it opens: four hundred and twelve. He writes them on "
    "the fridge.",
    "We could go to the market before the party. There is a man who sells cheese and tells you about each of his "
    "goats, and a woman with the best peaches I know. Go there before ten, or you will only get what the others "
    "have left.",
    "I found the box with the lanterns for the garden. Two are broken, and one has become the home of a spider, "
    "but nine still work. If it does not rain we can hang them between the house and the apple tree, as we did "
    "two years ago.",
    "My brother brings his guitar, and he has promised to play no more than three sad songs. If he begins a "
    "fourth one, we ask him for the one about the goat. It has eleven verses, and by the end of it all of us will "
    "be dancing.",
)
"""... then tell each other so much, and twice, that the beginning leaves the window ..."""
QUESTIONS = (f"{BOT} is Saturday a good day for a party?", f"{BOT} what is Ann allergic to?")
"""... and ask the bot again: a compaction follows the first answer, and recall helps with the second."""
COMPACTED_MS = 15_000


def main() -> int:
    if reason := chromium.missing() or missing():
        print(f"No pictures: {reason}")
        return 0
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox_process.running(Path(folder), variables={"EMBEDDING_MODEL": "local"}) as sandbox,
        chromium.launched() as browser,
    ):
        take_all(browser, sandbox.url)
    return 0


def take_all(browser: Browser, url: str) -> None:
    """All pictures, in one conversation."""
    visits = Visits(browser)
    desk = Messenger(visits.page(**SCREEN), url).enter("You")
    talk(desk, BEGINNING)
    desk.act(desk.answers.last, "❤️")
    save(desk.page, "page-chat")
    open_inspector(desk)
    save(desk.page, "page-inspector")
    desk.page.get_by_test_id("close-inspector").click()
    save(visit_on_phone(visits, url), "page-phone")
    desk.enter("Friends")
    for name, words in GROUP[:-1]:
        desk.speak_as(name).say(words)
    desk.speak_as("You")
    talk(desk, [GROUP[-1][1]])
    save(desk.page, "page-group")
    desk.page.emulate_media(color_scheme="dark")
    save(desk.page, "page-dark")
    desk.page.emulate_media(color_scheme="light")
    save_inspector(desk, "inspector-before")
    desk.page.get_by_test_id("close-inspector").click()
    for number, words in enumerate(TALK * 2):
        desk.speak_as(("Bob", "Ann")[number % 2]).say(words)
    desk.speak_as("You")
    for question in QUESTIONS:
        talk(desk, [question])
        desk.page.wait_for_timeout(COMPACTED_MS)
    save_inspector(desk, "inspector-after")
    visits.close()
    assert visits.faults == []


def talk(messenger: Messenger, words: Iterable[str]) -> None:
    """Say something, and something more after each answer."""
    unfinished = messenger.messages.get_by_role("button", name="Stop"), messenger.page.get_by_test_id("typing")
    answers = messenger.answers.filter(has=messenger.page.get_by_role("button", name="Inspect"))
    for text in words:
        before = answers.count()
        messenger.say(text)
        expect(answers).not_to_have_count(before, timeout=ANSWER_MS)
        for shown in unfinished:
            expect(shown).to_have_count(0, timeout=ANSWER_MS)


def open_inspector(messenger: Messenger) -> None:
    """Show the inspector of the newest answer beside the chat."""
    answers = messenger.answers.filter(has=messenger.page.get_by_role("button", name="Inspect"))
    messenger.act(answers.filter(has_not_text=CUT).last, "Inspect")
    expect(messenger.page.frame_locator("[data-testid=inspector]").get_by_test_id("tokens")).to_be_visible()


def save_inspector(messenger: Messenger, name: str) -> None:
    """The inspector of the newest answer, as a page of its own."""
    open_inspector(messenger)
    page = messenger.page.context.new_page()
    page.set_viewport_size(INSPECTOR)
    page.goto(str(messenger.page.get_by_test_id("inspector").get_attribute("src")))
    expect(page.get_by_test_id("tokens")).to_be_visible()
    save(page, name)
    page.close()


def visit_on_phone(visits: Visits, url: str) -> Page:
    """The same chat on a phone."""
    return Messenger(visits.page(**PHONE), url).enter("You").page


def save(page: Page, name: str) -> None:
    """The page as a small PNG file in this folder."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    with Image.open(BytesIO(page.screenshot(animations="disabled", caret="hide"))) as picture:
        few = picture.convert("RGB").quantize(COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    path = FOLDER / f"{name}.png"
    few.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.name}: {size / 1000:.0f} kB")
    if size > MOST_BYTES:
        sys.exit(f"{path.name} has more than {MOST_BYTES / 1000:.0f} kB")


if __name__ == "__main__":
    sys.exit(main())
