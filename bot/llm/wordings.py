"""The wordings of model servers for what went wrong, as patterns of whole phrases.

No lone word decides: an error that mentions an image, a token or a context may be about anything. The wordings are
those that the servers and gateways have in their code, their documentation and public reports.
"""

import re

_IMAGES = r"(?:images?|image[_ ]urls?|input[_ ]images?|vision|visual|multi-?modal|pictures?|photos?)"
_SOUNDS = r"(?:audios?|input[_ ]audios?|sounds?|(?:voice|speech)(?= input))"
_TAIL = (
    r"(?:[ _-](?:inputs?|contents?|understanding|attachments?|modalit(?:y|ies)|parts?|prompts?|messages?|analysis|"
    r"recognition|processing|data|blocks?|capabilit(?:y|ies)|features?))*"
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


def _senseless(noun: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """How a model is said to lack a sense whose medium is called so."""
    medium = _QUOTES + noun + _QUOTES + _TAIL
    return (
        rf"(?:\b{_NOT}|n't) (?:\S+ ){{0,3}}?(?:support(?:s|ed)?|accepts?|take|have|offer|provide)(?: for)? "
        rf"(?:(?!parameter|option|field|tool)\w+ ){{0,3}}?{medium}{_ENDS}{_NOT_ITS_FORM}",
        rf"\b{noun}{_QUOTES}[ _-](?:inputs?|contents?|modality|parts?|understanding|data)(?:[ _-](?:inputs?|modality|"
        rf"parts?|type))?{_QUOTES} (?:(?:is|are|was|were) )?(?:currently )?(?:not|un|n't) ?(?:yet )?"
        rf"(?:supported|enabled|available|implemented)\b{_NOT_ITS_FORM}",
        rf"(?:{noun}){_QUOTES} (?:(?:is|are) )?(?:currently )?(?:not (?:yet )?|un)(?:supported|enabled|available|allowed|"
        rf"accepted|permitted) (?:for|by|with|in|on) {_QUOTES}(?:{_MODEL} )?(?:\S+ )?model\b",
        rf"unsupported (?:(?:message|media|input|part) )?(?:content )?(?:type|part|modality|content|input)s?"
        rf"(?: type)?\W{{1,5}}{noun}{_TAIL}{_QUOTES}(?=\s*(?:$|[.,;)]|(?:for|in|by)\b))",
        rf"does not support (?:the )?{_QUOTES}{noun}{_QUOTES} (?:modality|content type)",
        rf"{noun}{_QUOTES} is not a supported (?:content|part|input|message|modality)",
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
        r"images cannot be processed",
        r"vision add-?on is not loaded",
        r"missing data required for image input",
        r"不支持(?:输入)?(?: ?image_url|图片|图像|视觉)(?!格式|大小|尺寸|生成|编辑|类型|链接|输出|合成)",
    ),
)
"""The model takes no pictures."""

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
"""The model takes no sounds."""

TEXT_ONLY = (
    r"(?:only|just) (?:supports?|accepts?|takes?|allows?) (?:plain )?text\b(?![-_ ]?(?:formats?|response|output|embed))",
    r"supports? (?:only (?:plain )?text|text only)\b(?![-_ ]?(?:formats?|response|output|embed))",
    r"text[- ]only model",
    r"only \W?(?:plain )?text\W? (?:(?:contents?|inputs?|messages?|parts?|modality)(?: types?)? )?(?:is|are) "
    r"(?:currently )?(?:supported|allowed|accepted|enabled)",
    r"(?:is )?(?:not|n't) (?:a )?(?:multi-?modal|vision(?:[- ]language)?)(?:[- ](?:large )?(?:language )?model|[- ]enabled)?(?=$|[\s.,;!])"
    r"(?! (?:support|request))",
    r"\bcontent\b.{0,12}(?:value )?must be (?:a )?string|\bcontent\W{1,4}expected (?:a )?string",
    r"input should be 'text'",
    r"仅支持文本|只支持文本|不支持多模态|content\.type.{0,12}参数非法",
)
"""The model takes words only, or no content parts: which sense it lacks depends on what it was sent."""

TOO_LONG = (
    r"maximum (?:allowed )?(?:context|prompt|model|sequence|input) (?:length|window|size)",
    r"context[_ ](?:length|window)[_ ]exceeded",
    r"(?:exceed\w*|longer than|greater than|larger than|bigger than|beyond|overflow\w*|too (?:long|large|big) for) "
    r"(?:\S+ ){0,6}?(?:context|prompt|input)[ _-](?:length|window|size|limit)",
    r"context (?:length|window|size|limit)s? (?:\S+ ){0,3}?(?:exceed\w*|overflow\w*|reached|too small)",
    r"context(?:[_ ](?:length|window|size))? (?:is|of) only \d",
    r"trying to keep the first \d+ tokens",
    r"exceed\w* (?:\S+ ){0,3}?(?:context|model token|input token|prompt token)s?[ _](?:limit|length|size|window)",
    r"exceed\w* (?:the )?(?:model(?:'s)? )?(?:maximum|max)(?:imum)?[ _](?:allowed )?(?:\S+ )?(?:input|prompt|context|"
    r"model|sequence|total|token)s?[ _-](?:tokens?|length|size|len|count|limit)",
    r"exceeds? (?:the )?(?:maximum|max)(?: allowed)? (?:number of |amount of )?(?:input |prompt )?(?:tokens|characters)",
    r"(?<!image )(?<!audio )(?<!video )\b(?:prompt|inputs?|messages?|conversation|query|text|history|content) "
    r"(?:is |are |was )?(?:too long|too large (?:for|to fit))",
    r"\bprompt (?:\S+ ){0,4}?exceed",
    r"(?:token count|number of tokens|tokens in (?:the )?(?:prompt|request|messages|input)|total tokens) (?:\S+ ){0,8}?"
    r"(?:exceed|cannot exceed|is (?:larger|greater|more)|more than)",
    r"tokens in request more than",
    r"input (?:tokens?|length)\b (?:\S+ ){0,6}?exceed",
    r"(?:total|input) (?:\w+ ){0,2}token length exceed",
    r"(?<!rate )\btokens? limit (?:is |was )?(?:exceeded|reached)|(?:prompt|request)\b.{0,20}\d+ tokens is over",
    r"context[ _](?:window|length|size)(?: of (?:this|the) model)? is \d.{0,30}\b(?:but|got|given|your|you)\b",
    r"\d tokens\b.{0,40}\bcontext(?: (?:size|length|window))? is \d",
    r"(?:input|sequence|prompt) (?:is |length )?too l(?:ong|arge)\b|number of (?:input|prompt) tokens must be",
    r"range of input length should be",
    r"too many (?:input |prompt )?tokens(?! per\b)",
    r"reduce (?:the |your )?(?:length|size|number) of (?:the |your )?(?:input )?(?:messages?|prompt|inputs?|context|"
    r"conversation|tokens)",
    r"(?:reduce|shorten) (?:the |your )?(?:prompt|messages?|inputs?|context|conversation)\b",
    r"\W?inputs?\W? (?:tokens )?must have (?:less|fewer) than",
    r"inputs\W{0,2} tokens \+ \W{0,2}max_new_tokens",
    r"input length and \W?max_tokens\W? exceed",
    r"too large for model with \d+",
    r"max(?:imum)? input (?:characters|tokens|length) (?:is|are|allowed|exceeded)",
    r"(?:longer|greater|larger|more|exceed\w*|too (?:small|long|large)) (?:\S+ ){0,4}?(?:max_model_len|max_seq_len\w*|n_ctx|"
    r"max_input_\w+|max_context_\w+|max_position_embeddings)",
    r"\b\d[\d,]* tokens\b[^.]{0,60}\b(?:exceed\w*|limit (?:is|of)|maximum (?:is|of)|only supports?)\b",
    r"expected maxlength: \d+, actual",
    r"(?:上下文|输入|提示词|prompt|消息|文本|对话|tokens?|内容长度)[^\u3002,\uff0c图片音视]{0,14}"
    r"(?:过长|超长|超限|超出|超过|太长)",
    r"(?<!图片)(?<!文件)(?:超过|超出)(?:了)?(?:模型)?(?:的)?(?:最大)?(?:上下文|输入|长度)|(?<!图片)(?<!音频)长度超限",
)
"""The prompt is longer than the model's window."""

ABOUT_THE_ANSWER = (
    r"^.{0,60}max_(?:completion_|output_)?tokens\W{0,3}(?:(?:or|and|/) \W?max_\w+\W{0,2})?(?:parameter )?(?:is (?:too|larger|"
    r"greater)|must be|should be|cannot|can't|exceeds|value|:)",
    r"range of max_tokens",
)
"""It is the setting for the answer's length that is wrong, whatever else is mentioned."""

REFUSED = (
    r"(?:may|might|could|must not|should not|seems? to|appears? to)?\b ?contains? (?:potentially )?(?:inappropriate|sensitive|"
    r"unsafe|harmful|illegal|prohibited|offensive|forbidden)",
    r"inappropriate content|data_?inspection_?failed|content_?policy_?violation|responsibleaipolicyviolation",
    r"(?:unsafe|harmful|offensive|sensitive|prohibited|objectionable)(?: or \w+)? content",
    r"content management policy",
    r"content[ _]policy[ _]violation",
    r"violat\w+ (?:\S+ ){0,6}?(?:polic(?:y|ies)|guidelines|terms|community standards)",
    r"(?:input|prompt|content|request|messages?|text|output|image) (?:\S+ ){0,3}?(?:was|were|is|are|been|got) "
    r"(?:\S+ ){0,2}?(?:flagged|moderated|censored)",
    r"requires moderation on",
    r"(?:blocked|rejected|refused|filtered|denied|stopped|declined|terminated|withheld) (?:\S+ ){0,4}?(?:by|due to|because of|"
    r"as a result of|for) (?:\S+ ){0,5}?(?:safety|moderation|content (?:filter\w*|policy)|filtering policy|guardrails?|"
    r"responsible ai|prohibited)",
    r"(?:safety|moderation|content) (?:system|filter|policy|check|guardrail)s? (?:\S+ ){0,3}?(?:blocked|rejected|refused|flagged|"
    r"triggered|stopped|declined|failed)",
    r"(?:tripped|triggered|triggering|hit) (?:\S+ ){0,3}?(?:content|safety|moderation) (?:filter|policy|system)",
    r"failed check: safety",
    r"considered high risk",
    r"content exists risk",
    r"(?:input|output) new_sensitive",
    r"(?:input|prompt|content|request|messages?) (?:flagged|blocked|moderated) by|prompt was blocked because",
    r"prohibited_content",
    r"\b(?:input|output) (?:text|image) sensitive",
    r"suspected of being involved in ip infringement",
    r"data is blocked by \w+ rule",
    r"content you provided or machine outputted is blocked",
    r"(?:prompt|response|content) (?:was |is |has been )?blocked\b.{0,40}(?:safety|prohibited|blocklist|recitation)",
    r"does not comply with green network",
    r"敏感(?:内容|信息|词)|内容(?:存在|包含|含有)(?:风险|违)|内容审查|内容违规|违规内容|不安全(?:或敏感)?内容|审核(?:不|未)通过|内容安全|违反.{0,10}(?:规定|政策|法规)",
)
"""A content filter refuses what was said."""

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
    r"read image error|image format error|decode the image",
    r"图片.{0,12}(?:过大|错误|超过|超出|无法|失败|不合法|格式|不符合)",
)
"""This picture is the trouble, or that there are so many."""
SOUND = (
    rf"\b{_BROKEN}(?: input)? (?:audio|sound|media)(?: (?:data|file|format|type|content))?\b(?! (?:output|model|tool))",
    r"(?:cannot|can't|could(?: not|n't)|unable to|failed to|error) ?(?:decod\w*|process\w*|load\w*|open\w*|read\w*|pars\w*) (?:the |an? |"
    r"input |your )*(?:audio|sound|media)",
    r"\b(?:audio|sound|media|multi-?modal) (?:file |data |input )?(?:\S+ )?(?:format |duration |length |size )?(?:is|are|was) (?:too (?:large|"
    r"long|short)|corrupt\w*|invalid|illegal|empty|not supported|broken|longer)",
    r"audio (?:duration|length) (?:must|exceed)",
    r"the file format is illegal",
    r"decoder audio file failed|audio preprocess error",
)
"""This recording is the trouble."""

NO_CREDIT = (
    r"(?:credit |account )?balance is (?:too low|insufficient|negative|not enough)|not enough (?:balance|funds)",
    r"insufficient[ _](?:account |user |available |prepaid )?(?:balance|credits?|funds)",
    r"\barrearage\b|\boverdue\b|in good standing|commodity has not purchased",
    r"(?:out of|no (?:more |remaining )?|not enough|enough|any|sufficient|all available|ran out of|run out of|exhausted (?:\S+ )?|more) "
    r"credits\b",
    r"\bcredits? (?:\S+ ){0,3}?(?:depleted|exhausted|used up|run out|expired|required)|credit limit (?:\S+ ){0,2}?exceeded",
    r"can only afford",
    r"(?:spend\w*|spend(?:ing)?|billing|hard|budget|key) (?:hard )?(?:limit|cap) (?:\S+ ){0,3}?(?:exceeded|reached|hit)",
    r"(?:reached|exceeded|hit|due to) (?:\S+ ){0,4}?(?:spend\w*|billing|budget|monthly included) (?:limit|cap|credits)|due to spend limit",
    r"billing[_ ](?:hard[_ ]limit|not[_ ]active)|check your billing|billing (?:is not|has not been|not) enabled",
    r"no payment method|add a payment method|payment (?:is )?required",
    r"please recharge|recharge your|top[ -]?up your|please (?:add|purchase|buy) (?:more )?(?:credits|funds)",
    r"free tier of the model has been exhausted|free allocated quota exceeded",
    r"budget has been exceeded|exceededbudget",
    r"exceeded your current token quota|exceeded your monthly included",
    r"suspended\b.{0,60}(?:balance|billing|recharge|payment|invoice)|failure to pay",
    r"余额(?:不足|已用)|欠费|请充值|额度(?:已)?(?:用尽|不足|用完|耗尽)|无可用资源包",
)
"""The account is out of money."""
QUOTA = (
    r"exceeded your current quota",
    r"insufficient[_ ](?:user[_ ])?quota",
    r"quota (?:has been |is )?(?:exceeded|exhausted)",
)
"""Money at OpenAI; tokens per minute at Model Studio and Gemini."""
RATE = (
    r"rate[ _-]?limit",
    r"too many requests",
    r"(?:tokens|requests) per (?:minute|min|second|hour|day)",
    r"\((?:tpm|rpm|rpd|tpd|itpm)\)",
    r"\bthrottl",
    r"please (?:wait|slow down)",
    r"(?:too many concurrent|concurrency limit|concurrent requests)",
    r"限流|频率(?:过高|超)|过于频繁|并发",
)
"""Too much at a time."""
WRONG_KEY = (
    r"api[ _-]?key (?:is )?(?:not valid|invalid|expired|missing|not found|revoked|disabled|incorrect|not provided)",
    r"(?:invalid|incorrect|wrong|missing|expired|no|malformed|unknown) (?:x-)?api[ _-]?key",
    r"authentication (?:fails|failed|error|required)",
    r"invalid (?:authentication|access token|bearer token|credentials)",
    r"(?:无效|错误)的? ?(?:api ?key|令牌|密钥)|api ?key ?(?:无效|不存在|错误|过期)",
)
"""The key is wrong, at a server that says so with another status than 401."""
NO_SUCH_MODEL = (
    r"\bmodel (?:\S+ )?(?:does not exist|doesn't exist|not exist|not found|is not available|is not found|can ?not be found|"
    r"is not supported$)",
    r"(?:unknown|invalid|no such|unsupported|unrecognized) model\b(?! (?:parameter|output|response))",
    r"not a valid model",
    r"(?:do not|don't|does not) have (?:access|permission)",
    r"(?:account|organi[sz]ation|workspace)\b.{0,40}(?:suspended|deactivated|disabled|terminated|banned|restricted)",
    r"模型不存在|无权",
)
"""There is no such model, or not for this account."""


def any_of(patterns: tuple[str, ...]) -> "re.Pattern[str]":
    """One pattern for all of them, to be searched for in small letters."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
