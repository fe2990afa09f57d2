"""Error messages about pictures and sounds that a model or server doesn't take, and the number of pictures it accepts."""

import re

_IMAGES = r"(?:images?|image[_ ]urls?|input[_ ]images?|vision|visual|multi[- ]?modal|pictures?|photos?)"
_SOUNDS = r"(?:audios?|input[_ ]audios?|sounds?|(?:voice|speech)(?= input))"
_TAIL = (
    r"(?:[ _-](?:inputs?|content[ _]types?|contents?|understanding|attachments?|modalit(?:y|ies)|parts?|prompts?|messages?|analysis|"
    r"recognition|processing|data|blocks?|capabilit(?:y|ies)|features?|requests?))*"
)
_QUOTES = r"[\"'`\u201c\u201d\u2018\u2019]?"
_ENDS = (
    _QUOTES + r"(?=\s*(?:$|[.,;:!?()\[\]\u2014\u2013-]|(?:in (?:this|the|your|its|any)|for|on|by|yet|at (?:this|all)|or"
    r"|and|from|that|provided|you|but|when|while|is|was|were|please)\b))"
)
_NOT_ITS_FORM = (
    r"(?![^.;]{0,40}\b(?:formats?|codecs?|mime|media[ _]types?|larger|longer|bigger|smaller|resolutions?|dimensions?|"
    r"sizes?|sample rate|generation|edit(?:ing|s)?|output|bytes|mb)\b)"
)
_NOT = r"(?:not|n't|cannot|doesnt|dont|isnt|no|never|lacks?|without)"
_MODEL = r"(?:(?:this|the|your|its|current|selected|chosen|requested|given|that|any)\b)"
TEXT_ONLY = (
    r"(?:only|just) (?:supports?|accepts?|takes?|allows?) (?:plain )?text\b(?![-_ ]?(?:formats?|response|output|embed))",
    r"supports? (?:only (?:plain )?text|text only)\b(?![-_ ]?(?:formats?|response|output|embed))",
    r"text[- ]only model|(?:model|it) is (?:a )?text[- ]only|\buse text[- ]only (?:prompt|input|message)",
    r"unmarshal (?:array|object) into .{0,80}\bcontent\b.{0,20}of type string|message content type: \[\]interface",
    r"invalid type: sequence, expected a string|type mismatch of .{0,40}content|content\b.{0,30}must be (?:a )?string, but",
    r"\bcontent\b[^;]{0,30}: input should be a valid string|expected (?:a )?string (?:for|at|in) .{0,20}content",
    r"only \W?(?:plain )?text\W? (?:(?:contents?|inputs?|messages?|parts?|modality)(?: types?)? )?(?:is|are) "
    r"(?:currently )?(?:supported|allowed|accepted|enabled)",
    r"(?:is )?(?:not|n't) (?:a )?(?:multi-?modal|vision(?:[- ]language)?)(?:[- ](?:large )?(?:language )?model|[- ]enabled)?(?=$|[\s.,;!])"
    r"(?! (?:support|request))",
    r"\bcontent\b.{0,12}(?:value )?must be (?:a )?string|\bcontent\W{1,4}expected (?:a )?string",
    r"input should be 'text'",
    r"unexpected item type in content",  # the chat templates of Qwen's models, so also DashScope and vLLM
    r"仅支持文本|只支持文本|不支持多模态|content(?:\.\d+)?\.type.{0,12}参数非法",
)
"""The model takes only text, or no content parts: which sense is missing depends on what was sent."""
_BROKEN = r"(?:invalid|corrupt(?:ed)?|broken|malformed|unreadable|empty|truncated|unsupported|unrecogni[sz]ed|damaged|oversized|bad)"
IMAGE = (
    rf"\b{_BROKEN}(?: base64| encoded| input| or \w+)? images?(?:_url)?(?: (?:data|file|format|type|url|size|content|bytes))?\b"
    r"(?![_ -]?(?:generation|tool|model|edit|name|tag|\w+ not found))",
    r"(?:cannot|can't|could(?: not|n't)|unable to|failed to|failure to|error (?:while |when )?|failed) ?(?:decod\w*|process\w*|load\w*|"
    r"open\w*|read\w*|identify|pars\w*|download\w*|fetch\w*|retriev\w*|convert\w*) (?:the |an? |input |your |provided |"
    r"base64 )*(?:images?\b(?!_)(?! (?:model|generation))|multi-?modal content)",
    r"\bimages? (?:file |data |content |url )?(?:\S+ )?(?:is|are|was|were) (?:too (?:large|big|small|wide|tall|many)|corrupt\w*|"
    r"invalid|broken|empty|unreadable|not (?:a )?valid|truncated)",
    r"\bimages? (?:input )?too (?:large|big|small)|too many images|image (?:length|width|height)\b.{0,30}(?:restrict|limit|must|do not|wrong|invalid)",
    r"\bimages? (?:size|dimensions?|resolution|formats?|media type|file size|count|aspect ratio|exceeds?|exceeded)\b.{0,60}"
    r"(?:exceed\w*|invalid|not supported|unsupported|illegal|too|larger|smaller|beyond|limit|must|should|maximum|mb\b)",
    r"(?:one of the |the )?images? (?:dimensions )?exceeds? ",
    r"size of (?:the )?(?:input )?image is",
    r"(?:at most|up to|maximum of|more than|only) (?:[1-9]\d*|one|two) images?\b",
    r"maximum (?:number|count) of (?:\S+ )?images|number of images (?:\S+ ){0,3}?(?:exceed|must|limit)",
    r"does not match the provided (?:media|mime|content)[ _]type",
    r"(?:does not|doesn't) represent a valid image",
    r"max bytes per data-uri item|multi-?modal file size is too large",
    r"\bsupport images? (?:larger|bigger|smaller|formats?|sizes?|of this size)\b|image decode error",
    r"limit-mm-per-prompt|read image error|image format error|decode the image",
    r"图片.{0,12}(?:过大|错误|超过|超出|无法|失败|不合法|格式|不符合)",
)
"""A picture is unreadable, or there are too many."""
SOUND = (
    rf"\b{_BROKEN}(?: input)? (?:audio|sound|media)(?: (?:data|file|format|type|content))?\b(?! (?:output|model|tool))",
    r"(?:cannot|can't|could(?: not|n't)|unable to|failed to|error) ?(?:decod\w*|process\w*|load\w*|open\w*|read\w*|pars\w*) (?:the |an? |"
    r"input |your )*(?:audio|sound|media)",
    r"\b(?:audio|sound|media|multi-?modal) (?:file |data |input )?(?:\S+ )?(?:format |duration |length |size )?(?:is|are|was) (?:too (?:large|"
    r"long|short)|corrupt\w*|invalid|illegal|empty|not supported|broken|longer)",
    r"\b(?:audio|sound|media) (?:file |data |input )?(?:could not|couldn't|can ?not|can't) be (?:decoded|read|loaded|processed|parsed|opened)",
    r"audio (?:duration|length) (?:must|exceed)",
    r"the file format is illegal",
    r"decoder audio file failed|audio preprocess error",
)
"""A recording is unreadable."""
MOST = 5000
"""Larger numbers count something else."""
_PICTURES = r"(?:images?|pictures?|photos?|image_urls?|image (?:inputs?|items?|parts?|urls?|files?|blocks?)|media (?:items?|files?))(?:\(s\))?"
_NUMBER = r"(?:(?!0\b)\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|a single)"
_BOUND = (
    r"(?:at most|at the most|up to|no more than|not more than|more than|fewer than|less than|only|just|exceed\w*|over|beyond|within"
    r"|max(?:imum)?(?: (?:is|are|of|number|count|limit|allowed))*|limit(?:ed)?(?: (?:is|of|to))*|supports?|allows?|accepts?|allowed|takes?|process)"
)
_PLAIN = (
    rf"too many (?:\w+ ){{0,3}}{_PICTURES}(?! (?:tokens|pixels|bytes|requests))|too many (?:media|multi-?modal)|too much media"
    r"|(?:图片|图像|照片|画像).{0,6}(?:过多|太多|多すぎ)"
    r"|demasiad[ao]s (?:im[aá]genes|fotos)|trop d.images|zu viele bilder|слишком много (?:изображений|картинок|фото)"
)
_COUNTED = (
    rf"{_BOUND}:? (?:the )?{_NUMBER} (?:\w+ ){{0,2}}{_PICTURES}(?! (?:tokens|pixels))",
    rf"(?:number|count|amount|quantity) of (?:\S+ ){{0,3}}?{_PICTURES}.{{0,50}}(?:exceed|must|limit|greater|larger|higher|max|at most|too|over|above|fewer|less|<|>)",
    rf"max(?:imum)?(?: allowed)? (?:number|count|amount|quantity) of (?:\S+ ){{0,3}}?{_PICTURES}",
    r"(?:exceed\w*|over|above|reached|hit|beyond) (?:\S+ ){0,4}?(?:images?|pictures?|photos?)[ _](?:count|limit|quota|number)",
    r"(?:images?|pictures?|photos?)[ _](?:count|number|limit|quota)s?\b.{0,40}(?:exceed|reached|max|limit|must|too|larger|greater|over|above|at most|>)",
    rf"\b{_NUMBER} {_PICTURES}.{{0,60}}(?:exceed|maximum|max\b|limit|at most|allowed|no more|more than|up to|only supports?|> ?\d|can be)",
    rf"(?:max|limit|at most|up to|exceed)\w*[^.]{{0,40}}{_PICTURES} (?:per|in (?:a|one|each)) (?:\w+ )?(?:request|prompt|message|call|conversation|input)",
    rf"only (?:\w+ ){{0,2}}{_PICTURES} (?:per|in (?:a|one|each)) (?:\w+ )?(?:request|prompt|message|call)|multiple images (?:are |is )?not (?:supported|allowed)",
    r"limit[-_]mm[-_]per[-_]prompt",
    r"max_(?:num_)?images\w*\b.{0,40}(?:exceed|>|but|reached)",
    r"(?:图片|图像|照片|画像)(?:的)?(?:数量|张数|个数|数目|枚数|数).{0,14}(?:超|过多|限制|最多|不能|上限|大于)|(?:图片|图像|照片|画像).{0,6}(?:过多|太多|多すぎ|最多)",
    r"最多.{0,8}\d+\s*(?:张|幅|个图)|超(?:过|出).{0,8}\d+\s*张",
)
_NONE = r"(?:at most|image=|max\w*(?: of| is)?:?|up to|limit (?:of|is)) ?(?:0|zero)\b"
"""Zero pictures allowed: the model can't see."""
_SIZES = r"\b(?:[kmg]i?b|(?:kilo|mega)?bytes?|(?:mega)?pixels?|px|dimensions?|resolution|aspect ratio|too (?:large|big|small))\b"
"""A picture's size is refused, unless the message also says that there are too many."""
TOO_MANY = re.compile(f"{_PLAIN}|\\A(?!.*{_SIZES})(?!.*{_NONE}).*?(?:{'|'.join(_COUNTED)})", re.DOTALL)
"""Fewer pictures would be accepted. Matches lower-case text."""
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_COUNT = re.compile(rf"(?<![a-z0-9_.-])(\d{{1,4}}|{'|'.join(_WORDS)}|a single)(?![a-z0-9_]|[.,]\d)")
_BEFORE = re.compile(
    r"at most|at the most|up to|no more than|not more than|(?:more|fewer|less|greater|larger|higher) than|\bonly\b|\bjust\b|exceed\w*|\bover\b"
    r"|\bbeyond\b|within|max\w*|limit\w*|support\w*|allow\w*|accept\w*|\btakes?\b|process\w*|>=?|<=?|≤|\bimage ?[=:]|最多|超过|超出|上限|限制|不能多于|至多"
)
_GIVEN = re.compile(
    r"(?:contain\w*|passed|provided|sent|got|given|received|found|has|have|had|with|request\w*|your|you|but|current\w*|actual\w*|\+)[^.;\d]*$"
)
_UNDER = re.compile(r"(?:fewer|less|lower) than|(?<![<>])<(?!=)")
_AFTER = re.compile(
    rf"^\s*(?:{_PICTURES})?[\s,)]*(?:(?:is|are) (?:the )?)?(?:max|limit\b|allowed|or (?:fewer|less)|can be|at most|per (?:request|prompt|message))"
)
_OTHER_UNIT = re.compile(r"^\s?(?:[kmg]i?b\b|bytes?|pixels?|px|tokens?|%|seconds?|documents?|pages?|videos?|audios?)")


def _senseless(noun: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """Phrases for a model that lacks the sense for a medium."""
    medium = _QUOTES + noun + _QUOTES + _TAIL
    return (
        rf"(?:\b{_NOT}|n't) (?:\S+ ){{0,3}}?(?:support(?:s|ed)?|accepts?|take|have|offer|provide)(?: for)? "
        rf"(?:(?!parameter|option|field|tool)\w+ ){{0,3}}?{medium}{_ENDS}{_NOT_ITS_FORM}",
        rf"\b{noun}{_QUOTES}[ _-](?:inputs?|contents?|modality|parts?|understanding|data)(?:[ _-](?:inputs?|modality|"
        rf"parts?|type))?{_QUOTES} (?:(?:is|are|was|were)(?: |(?=n.t)))?(?:currently )?(?:not|un|n.t) ?(?:yet )?"
        rf"(?:supported|enabled|available|implemented)\b{_NOT_ITS_FORM}",
        rf"(?:{noun}){_QUOTES} (?:(?:is|are) )?(?:currently )?(?:not (?:yet )?|un)(?:supported|enabled|available|allowed|"
        rf"accepted|permitted) (?:for|by|with|in|on) {_QUOTES}(?:{_MODEL} )?(?:\S+ )?model\b",
        rf"unsupported (?:(?:message|media|input|part) )?(?:content )?(?:type|part|modality|content|input)s?"
        rf"(?: type)?\W{{1,5}}{noun}{_TAIL}{_QUOTES}(?=\s*(?:$|[.,;)]|(?:for|in|by)\b))",
        rf"\b{noun}[ _-](?:inputs?|contents?|parts?|data|attachments?) (?:is|are) not (?:allowed|accepted|permitted) (?:for|by|with|in) "
        rf"(?:{_MODEL} )?(?:\S+ )?model\b",
        rf"does not support (?:the )?{_QUOTES}{noun}{_QUOTES} (?:modality|content type)",
        rf"{noun}{_QUOTES} is not an? (?:supported|valid|known|allowed|recogni[sz]ed) (?:content|part|input|message|modality)",
        rf"(?:unexpected|unrecogni[sz]ed|unknown|unhandled|unsupported) (?:message )?(?:content|part|input)(?: part)?(?: type)?"
        rf"\W{{1,4}}{noun}\b(?!.*\bbut\b)",
        rf"input modalit(?:y|ies)\W{{1,3}}{noun}\W{{1,3}}(?:is |are )?not (?:supported|enabled|available)",
        rf"model (?:\S+ )?(?:cannot|can't|can not|is not able to|is unable to|does not|doesn't) (?:see|hear|process|view|"
        rf"handle|understand|listen to) {noun}{_TAIL}{_ENDS}{_NOT_ITS_FORM}",
        *own,
    )


BLIND = _senseless(
    _IMAGES,
    (
        r"unknown variant .?(?:image_url|input_image|image)\b",
        r"image_url.? is only supported (?:by|for|in|with)",
        r"(?:images|vision|multi-?modal(?: inputs?)?|pictures)"
        + _QUOTES
        + r" (?:is|are) (?:currently )?(?:not (?:yet )?|un)"
        r"(?:supported|enabled|available)(?! in (?:tool|system|assistant|developer))" + _NOT_ITS_FORM,
        r"\b(?:images|vision|multi-?modal) not (?:supported|enabled|available)",
        r"(?:image_url|input_image)"
        + _QUOTES
        + r" (?:is )?not (?:supported|allowed|permitted|accepted)\b"
        + _NOT_ITS_FORM,
        r"invalid (?:content )?(?:type|value)\W{1,4}(?:image_url|input_image)\b(?!.*\binput_image\b)",
        r"at most 0 image",
        r"(?:provide the|requires?|without(?: an?)?|no|missing) (?:-+)?mmproj",
        r"images cannot be processed|\bset image=0\b",
        r"is not a (?:vlm|vision)\b|\bclip (?:model )?(?:is )?not loaded|mmproj (?:is |was )?not (?:loaded|found|provided|set)",
        r"(?:\bno|not have an?|lacks? an?|without an?) vision (?:capabilit\w+|encoder|tower|module|support)",
        r"\bno (?:multi-?modal|vision)[ -]?(?:capable )?(?:endpoint|model|provider)s? (?:is |are )?(?:available|found)",
        r"vision add-?on is not loaded|\bno (?:vision|multi-?modal)[ -](?:capable )?(?:model|projector|adapter|encoder) (?:is |was )?"
        r"(?:loaded|available|found|configured)",
        r"number of bitmaps.{0,12}does not match",  # llama.cpp, if the template has no place for a picture
        r"missing data required for image input",
        r"\bnot (?:a )?(?:vision|image|multi-?modal)[- ](?:capable|enabled)",
        r"vision (?:encoder|tower|projector|adapter|module) (?:is |was )?not (?:initiali[sz]ed|loaded|available|present|found)",
        r"不支持(?:输入)?(?: ?image_url|图片|图像|视觉)(?!格式|大小|尺寸|生成|编辑|类型|链接|输出|合成)",
    ),
)
"""The model can't see."""


DEAF = _senseless(
    _SOUNDS,
    (
        r"unknown variant .?(?:input_audio|audio_url|audio)\b",
        r"(?:input_audio|audio(?:_url)?).? is only supported (?:by|for|in|with)",
        r"\baudio (?:is|are) (?:currently )?(?:not (?:yet )?|un)(?:supported|enabled|available)" + _NOT_ITS_FORM,
        r"(?:input_audio|audio_url)"
        + _QUOTES
        + r" (?:is )?not (?:supported|allowed|permitted|accepted)\b"
        + _NOT_ITS_FORM,
        r"invalid (?:content )?(?:type|value)\W{1,4}(?:input_audio|audio_url)\b(?!.*supported values are.*\binput_audio\b)",
        r"at most 0 audio",
        r"不支持(?:输入)?(?:音频|语音)(?!格式|大小|尺寸|生成|编辑|类型|链接|输出|合成)",
    ),
)
"""The model can't hear."""


def picture_limit_in(words: str) -> int | None:
    """The number of pictures that a message (in lower case) says a prompt may have, or None."""
    found, end = [], 0
    for match in _COUNT.finditer(words):
        before, after = words[max(end, match.start() - 60) : match.start()], words[match.end() : match.end() + 40]
        end = match.end()
        count = _value(match[1])
        if count > MOST or _OTHER_UNIT.search(after):
            continue
        bound = max((match.end() for match in _BEFORE.finditer(before)), default=0)
        if (bound and not _GIVEN.search(before[bound:])) or _AFTER.search(after):
            found.append(count - 1 if _UNDER.search(before[-20:]) else count)
    return min((count for count in found if count >= 0), default=None)


def _value(word: str) -> int:
    return int(word) if word.isdecimal() else 1 if word == "a single" else _WORDS.index(word)
