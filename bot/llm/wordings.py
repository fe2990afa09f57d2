"""Error messages of model servers, as patterns of whole phrases, and the prompt limit that they mention.

A single word never decides: an error that mentions an image, a token or a context may be about anything. The phrases
come from the code, documentation and public issue reports of servers and gateways. All patterns match lower-case text.
"""

import re

TOO_LONG = (
    r"maximum (?:allowed )?(?:context|prompt|model|sequence|input) (?:length|window|size)",
    r"context[_ ](?:length|window)[_ ]exceeded",
    r"\bprompt is \d+ tokens long\b|maximum supported (?:sequence|context|prompt|input) length|\bmodel max length exceeded",
    r"slot context: \d+ tokens, prompt|\bjob requires \d+ pages\b",
    r"\b(?:prompt|input) tokens\b.{0,40}\bexceeds? (?:the |its )?\d+",
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
    r"prompt_too_long|too long context|context(?: window)? (?:is full|overflow)|out of context(?: window| length|$|[.!])",
    r"\bmax(?:imum)? (?:number of )?(?:input |prompt )?(?:tokens|context)\b.{0,20}\b(?:reached|exceeded)",
    r"\b(?:input|prompt|context|conversation)\b.{0,20}\bover (?:the |our |its |your )?(?:model |token )?limit|context\b.{0,20}(?:larger|bigger) than",
    r"\bonly (?:fit|handle|process|take|accept|support)s? \d[\d,]* tokens|\d tokens \(max|tokens? ?> ?(?:max|n_ctx)",
    r"text you (?:sent|submitted|entered|provided) is too long",
    r"context shift is disabled|contextwindowexceeded|max_tokens\W{1,3}-\d|max_tokens must be at least \d+, got -",
    r"(?:prompt|input|messages?|request|context|query|conversation)[ _]tokens?(?: length| count| size)? (?:is |are |was )?"
    r"too (?:long|large|many|big)",
    r"length of \W?(?:the )?(?:prompt|input|messages?|context)\w*\W.{0,20}must (?:be (?:less|smaller|fewer|shorter|at most)|not exceed)",
    r"exceed\w* (?:the |your |its |this )?(?:\S+ )?tokens? (?:limit|budget|capacity)",
    r"(?:request|document) is too (?:long|large) for (?:this|the) (?:\S+ )?model|too large\b.{0,60}max(?:imum)? (?:size|length)\W{1,3}\d+ tokens",
    r"(?:tokens?|length) (?:in|of) (?:the |your |this )?(?:input|prompt|request|messages?|conversation|context)\b.{0,40}\b(?:over|above|exceeds?"
    r"|exceeded|(?:more|larger|greater|longer) than|too (?:long|many|large)|must (?:be (?:less|fewer|at most|smaller)|not exceed))\b",
    r"(?:prompt|input|request|messages?|conversation|context)\b.{0,30}\b\d[\d,.]*k? (?:\w+ )?tokens\b.{0,60}\b(?:(?:more|larger|longer|greater) "
    r"than|over|above|exceed\w*|limit|at most|only|maximum|fit)\b",
    r"(?:sum|total) of (?:\S+ )?(?:prompt|input)\b.{0,60}(?:must|should|may|can) ?(?:be (?:less|at most|smaller|no more)|not exceed)",
    r"(?:input|prompt) tokens\b.{0,40}\bmust not exceed",
    r"context length of .{0,40}(?:larger|longer|greater|more) than",
    r"\b(?<!file )(?<!image )(?<!audio )(?:message|prompt|context|query|sequence|history|conversation|text|dialog(?:ue)?)s?(?:'s)? (?:length|size)"
    r"\b(?: \S+){0,2}? exceed",
    r"(?:exceed\w*|longer than|larger than|bigger than|greater than) (?:the |its |your |this )?(?:model(?:'s)? )?(?:maximum |max )?context\b",
    r"\b(?:prompt|input|context|messages|conversation|tokens)\b.{0,40}\b(?:does|do|will|can|could|did)(?: not|n't|not) fit\b",
    r"max[_ ](?:prompt|input|context|seq)\w*(?: len(?:gth)?)? (?:is |was )?(?:exceeded|reached)",
    r"(?:tokens?|prompt|input|messages?|max_tokens)\b.{0,40}(?:>|\u2265|>=) ?(?:the )?(?:context|model|max)\w*[ _]?(?:window|length|len|size)",
    r"\btokens?[ _](?:length|count|size|number) (?:is |was )?(?:exceed\w*|over\b|above\b|beyond\b|too )",
    r"(?:request|conversation|prompt|input)\b.{0,30}\b(?:too large for (?:the |this )?model|(?:beyond|more than) what (?:this|the) model can)",
    r"max(?:imum)? (?:length|size) of (?:the |your )?(?:current )?(?:question|prompt|query|messages?|conversation|context|input) (?:is|was|exceed|of)",
    r"(?:conversation|history|prompt|input|context)\b.{0,20}\bexceeds? (?:the |this )?(?:model(?:'s)?|its) (?:capacity|maximum|limits?)",
    r"\b\d[\d,.]*k? tokens\b.{0,40}\b(?:goes?|is|are|runs?) (?:beyond|over|above|past)\b",
    r"\b(?:contexto?|contexte|contesto|kontext|prompt|mensajes?|entrada|eingabe|anfrage|invite|conversación|unterhaltung)\b.{0,40}"
    r"\b(?:demasiado larg|muito long|zu lang|trop long|troppo lung|te lang)",
    r"токен\w*.{0,40}(?:больше|выше) (?:допустимо|лимит|максим)|"
    r"(?:токен|контекст)\w*.{0,40}превы[сш]|превы[сш]\w*.{0,40}(?:токен|контекст)|토큰.{0,20}초과|(?:トークン|コンテキスト).{0,20}(?:超|長すぎ)",
    r"(?:上下文|输入|提示词|prompt|消息|文本|对话|tokens?|内容长度)[^\u3002,\uff0c图片音视]{0,14}"
    r"(?:过长|超长|超限|超出|超过|太长)",
    r"(?<!图片)(?<!文件)(?:超过|超出)(?:了)?(?:模型)?(?:的)?(?:最大)?(?:上下文|输入|长度)|(?<!图片)(?<!音频)长度超限",
)
"""The prompt is longer than the model's window."""
ABOUT_THE_ANSWER = (
    r"^(?!.{0,80}-\d).{0,60}max_(?:completion_|output_)?tokens\W{0,3}(?:(?:or|and|/) \W?max_\w+\W{0,2})?(?:parameter )?(?:is (?:too|larger|"
    r"greater)|must be|should be|cannot|can't|exceeds|value|:)",
    r"range of max_tokens|max_(?:completion_|output_)?tokens\W{0,3}(?:参数|的?取值|值|超出范围|非法|必须|不能)",
)
"""The limit set for the answer is wrong, whatever else is mentioned."""
_BAD = r"(?:unsafe|harmful|inappropriate|toxic|nsfw|hateful|hate speech|violent|sexual|offensive|abusive|profan(?:e|ity)|self-harm)"
REFUSED = (
    r"(?:may|might|could|must not|should not|seems? to|appears? to)?\b ?contains? (?:potentially )?(?:inappropriate|sensitive|"
    r"unsafe|harmful|illegal|prohibited|offensive|forbidden)(?! (?:url|char|header|html|json|flag))",
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
    r"failed check: safety|for safety reasons|safety (?:system|polic(?:y|ies)|filters?|guidelines) (?:\S+ )?(?:does not|doesn't|do not|don't) (?:allow|permit)",
    r"considered high risk",
    r"content exists risk",
    r"(?:input|output) new_sensitive",
    r"(?:input|prompt|content|request|messages?) (?:flagged|blocked|moderated) by(?! (?:\S+ )?(?:firewall|waf|cloudflare|proxy|network|ip|cors|admin))"
    r"|prompt was blocked because",
    r"prohibited_content",
    r"\b(?:input|output) (?:text|image) sensitive",
    r"suspected of being involved in ip infringement",
    r"data is blocked by \w+ rule",
    r"content you provided or machine outputted is blocked",
    r"(?:prompt|response|content) (?:was |is |has been )?blocked\b.{0,40}(?:safety|prohibited|blocklist|recitation)",
    r"does not comply with green network",
    r"flagged by (?:\S+ )?(?:safety|moderation|content|trust)|policy_violation|triggered (?:\S+ )?moderation|risk control",
    r"\b(?:content|prompt|message|text|output|response) (?:is |was )?(?:blocked\b|censored|not (?:safe|appropriate|suitable)\b)(?! by)",
    r"(?:blocked|moderation|refused|rejected)\W{1,3}(?:safety|rejected|blocked|refused|flagged)\b|\bmay be (?:harmful|unsafe|inappropriate|offensive)",
    r"(?:harmful|sensitive|unsafe|inappropriate) (?:prompt|topic|request|message|language|text)s?\b",
    r"(?:blocked|rejected|refused|denied)\W{1,3}(?:content|safety|moderation|usage|nsfw)[ _](?:policy|filter|violation|content|check)",
    rf"(?:classified|flagged|detected|marked|identified|recogni[sz]ed|deemed|considered|judged) (?:as |to be )?(?:\S+ )?{_BAD}",
    rf"(?:{_BAD}|jailbreak|prompt injection)(?: (?:content|language|text|material|attempt))? (?:(?:was|is|were|has been) )?detected",
    r"(?:contains?|containing|includes?) (?:\S+ )?(?:profanity|hate speech|nsfw|violence|obscen\w+|slurs?|toxicity|self-harm|pornograph\w*"
    r"|adult content|explicit content|sexual content)",
    r"(?:content|input|output|text|prompt|message) moderation (?:check |system )?(?:has )?(?:failed|rejected|blocked|flagged|did not pass)",
    r"(?:goes|go|is|are) against (?:\S+ ){0,3}?(?:polic(?:y|ies)|guidelines|rules|terms)",
    r"(?:did|does|has|have)(?: not|n't) pass(?:ed)? (?:\S+ ){0,2}?(?:content|safety|moderation)\b",
    r"(?:content|topic|request|prompt|message|text|this) (?:is |are )?not (?:allowed|permitted) (?:by|under|per) (?:\S+ ){0,3}?"
    r"(?:use|usage|content|safety|community) (?:polic(?:y|ies)|guidelines|terms)",
    r"\b(?:guardrail|moderation|safety|content)_(?:violation|blocked|rejected)|\bmoderation\W{1,3}(?:\S+ )?(?:rejected|refused|blocked|failed)",
    r"(?:prompt|input|request|message|content) contains (?:\S+ )?(?:pii\b|personal(?:ly)? (?:data|information|identif)|(?:banned|blocked|disallowed) (?:words?|terms?|phrases?|topics?)\b)",
    r"(?:отклон|заблокир)\w+.{0,20}(?:модерац|фильтр|цензур)|(?:модерац|фильтр)\w*.{0,20}(?:отклон|заблокир|не прош)",
    r"guardrails?\W{1,2}(?:\S+ )?(?:intervened|blocked|triggered|denied|rejected|tripped)|blocked by (?:\S+ )?(?:llama|prompt|shield)?[ -]?guard\b",
    r"(?:涉及|存在|包含|含有|涉嫌).{0,6}(?:敏感|违规|违法|不当|色情|暴力)|敏感(?:话题|问题)|内容.{0,6}不合规|安全(?:策略|审核|检测).{0,8}(?:拦截|拒绝|未通过)",
    r"敏感(?:内容|信息|词)|内容(?:存在|包含|含有)(?:风险|违)|内容审查|内容违规|违规内容|不安全(?:或敏感)?内容|审核(?:不|未)通过|内容安全|违反.{0,10}(?:规定|政策|法规)",
)
"""A content filter refused the prompt or the answer."""
NO_CREDIT = (
    r"balance (?:is |has (?:become )?|was )?(?:too low|insufficient|negative|not enough|below|empty|zero\b|exhausted|run out)"
    r"|not enough (?:balance|funds)|negative (?:account |credit )?balance",
    r"insufficient[ _](?:\S+ ){0,4}?(?:balance|credits?|funds)",
    r"(?:run|ran) out of (?:\S+ )?(?:tokens|quota) (?:in|on|for|of) (?:your|the|this) (?:plan|account|subscription)|no (?:funds|money)\b",
    r"(?:wallet|purse|account) is empty|(?:usage|request|token) limit\b.{0,40}\bbilling (?:period|cycle)",
    r"\b(?:monthly|plan|plan's) (?:\S+ )?quota\b.{0,20}(?:used up|exhausted|exceeded|reached)",
    r"\barrearage\b|\boverdue\b|in good standing|commodity has not purchased",
    r"(?:out of|no(?: more| remaining)?|not enough|enough|any|sufficient|all available|ran out of|run out of|exhausted(?: \S+){0,2}|more) "
    r"credits\b(?! (?:were |was |are |will be |have been )?(?:charged|used|deducted|consumed|billed|spent))",
    r"specified api usage limits",
    r"\bcredits? (?:\S+ ){0,3}?(?:depleted|exhausted|used up|run out|expired|required)|credit limit (?:\S+ ){0,2}?exceeded",
    r"can only afford",
    r"(?:spend\w*|spend(?:ing)?|billing|hard|budget|key) (?:hard )?(?:limit|cap) (?:\S+ ){0,3}?(?:exceeded|reached|hit)",
    r"(?:reached|exceeded|hit|due to) (?:\S+ ){0,4}?(?:spend\w*|billing|budget|monthly included) (?:limit|cap|credits)|due to spend limit",
    r"billing[_ ](?:hard[_ ]limit|not[_ ]active)|check your billing|billing (?:is not|has not been|not) enabled",
    r"no payment method|add a payment method|payment (?:is )?required",
    r"please recharge|recharge your|top[ -]?up your|please (?:add|purchase|buy) (?:more )?(?:credits|funds)",
    r"free tier of the model has been exhausted|free allocated quota exceeded",
    r"(?<!token )(?<!thinking )(?<!reasoning )(?<!context )\bbudget (?:has been |is |was )?(?:exceeded|exhausted|used up|reached|spent)"
    r"|exceededbudget|\bover budget\b",
    r"account (?:is )?(?:past due|in arrears)|account arrears|zero balance|credits?_exhausted|subscription (?:is )?(?:inactive|not active)",
    r"update your (?:billing|payment)|payment (?:method|information|details) (?:is |are )?(?:required|missing|needed)",
    r"(?:unpaid|overdue|past[- ]due|outstanding) (?:\S+ )?(?:invoices?|bills?|balance|payments?)",
    r"(?:requires?|enable|set up|without) (?:valid |active )?billing\b|billing account (?:is |has been )?(?:closed|disabled|inactive)",
    r"(?:trial|subscription|paid plan|free tier|licen[cs]e) (?:period )?(?:has |is |was )?(?:been )?(?:ended|expired|lapsed|cancell?ed|over\b)",
    r"(?:requires?|without|add) (?:a |an )?(?:valid )?(?:credit|payment) card\b|credit card on file",
    r"预扣费额度失败|\b(?:token|key|user|account|remain(?:ing)?) quota (?:is )?(?:not enough|insufficient|used up)",
    r"exceeded your current token quota|exceeded your monthly included",
    r"suspended\b.{0,60}(?:balance|billing|recharge|payment|invoice)|failure to pay",
    r"余额(?:不足|已用)|欠费|请充值|额度(?:已)?(?:用尽|不足|用完|耗尽)|无可用资源包",
)
"""The account has no credit."""
QUOTA = (
    r"exceeded your current quota",
    r"insufficient[_ ](?:user[_ ])?quota",
    r"quota (?:has been |is )?(?:exceeded|exhausted)",
)
"""Missing credit at OpenAI; tokens per minute at Model Studio and Gemini."""
RATE = (
    r"rate[ _-]?limit",
    r"too many requests",
    r"(?:tokens|requests) per (?:minute|min|second|hour|day)",
    r"\((?:tpm|rpm|rpd|tpd|itpm)\)",
    r"\bthrottl",
    r"please (?:wait|slow down)",
    r"(?:too many concurrent|concurrency limit|concurrent requests)",
    r"限流|频率(?:过高|超)|过于频繁|并发|负载已?饱和|访问量过大|(?<!context )(?<!token )\bcapacity exceeded|(?:limit|限额|额度).{0,20}(?:will reset (?:at|in|on)|重置)",
)
"""Rate limits."""
WRONG_KEY = (
    r"api[ _-]?key\b(?: (?!for\b|model\b)[^\s.,;:]+){0,5}? (?:not valid|invalid|expired|missing|not found|revoked|disabled|deactivated|deleted|"
    r"does not match|doesn't match|"
    r"incorrect|wrong|leaked|compromised|not provided|unknown|not recogni[sz]ed|must be (?:set|provided)|(?:is )?required)(?! for (?:this |the )?model)",
    r"(?:missing|no|invalid|bad|wrong|malformed|incorrect|expired|multiple)(?: or (?:missing|invalid|expired|malformed))? (?:the )?(?:api |http )?"
    r"(?:authori[sz]ation|authentication|auth|bearer|access)[ _-](?:header|tokens?|credentials?|key)",
    r"(?:authori[sz]ation|authentication|auth|bearer|access)(?: (?:header|tokens?|credentials?|key))? (?:field )?(?:is |are |was |were |has )?"
    r"(?:missing|required|invalid|expired|incorrect|malformed|not (?:valid|provided|found|set))\b",
    r"(?:provide|pass|supply|send|include|carry|use) (?:a |an |the |your |another )?(?:valid |correct )?api (?:secret )?key",
    r"could not validate credentials|not authenticated|unregistered callers|login fail",
    r"^\W*(?:error\W+)?(?:401\W+)?unauthori[sz]ed\W*$|^\W*(?:invalid token|(?:the |your )?token (?:is |has )?(?:invalid|expired))\W*$",
    r"(?:invalid|incorrect|wrong|missing|expired|no|malformed|unknown|bad) (?:x-)?api[ _-]?key",
    r"(?:security|authentication|access|auth) token\b.{0,40}\b(?:invalid|expired|not (?:from a )?valid)",
    r"authentication (?:fails|failed|error|required)",
    r"invalid (?:authentication|access token|bearer token|credentials)",
    r"(?:无效|错误)的? ?(?:api ?key|令牌|密钥)|(?:api ?key|令牌|密钥|(?:authorization|access) ?token) ?(?:无效|不存在|错误|已?过期|已?失效|非法)",
)
"""The key is wrong, at a server that doesn't say so with a 401."""
NO_SUCH_MODEL = (
    r"\bmodel (?:\S+ )?(?:does not exist|doesn't exist|not exist|not found|is not available|is not found|can ?not be found|"
    r"is not supported$)|requested model is (?:not supported|unsupported)",
    r"\bmodels?\b(?: [^\s.,;:]+){0,2}? (?:has|have|is|are|was|were)(?: been| now)? (?:decommissioned|deprecated|retired|discontinued|removed|"
    r"shut ?down|no longer (?:available|supported|served|offered))",
    r"supported (?:api )?model (?:names|ids?) (?:are|is)\b|model (?:identifier|id|name)(?: \S+)? (?:is|was) (?:invalid|unknown|not (?:valid|recogni[sz]ed|found))",
    r"no (?:available |healthy |active )?(?:channels?|providers?|deployments?|endpoints?)\b(?: (?:is|are|were|available|found)){0,2} for (?:the )?"
    r"(?:requested )?model",
    r"(?:location|country|region|territory)\b.{0,30}\b(?:is not|not|isn't) supported|not available in your (?:country|region|location|area)",
    r"(?:could not|couldn't|cannot|can't|unable to|failed to) find (?:the |a )?model\b|no model (?:named|called|with)\b|not a chat model",
    r"\bmodel\W{1,2}\S+ (?:is |was )?not (?:found|loaded|exist\w*|available)|\bmodel is (?:currently )?not available|模型.{0,40}(?:不存在|已下线|未找到|已废弃)",
    r"organi[sz]ation must be verified|on-demand throughput isn",
    r"(?:unknown|invalid|no such|unsupported|unrecognized) model\b(?! (?:parameter|output|response))",
    r"not a valid model",
    r"(?:do not|don't|does not) have (?:access|permission)",
    r"(?:account|organi[sz]ation|workspace|project|team|\bip(?: address)?)\b.{0,40}(?:suspended|deactivated|disabled|terminated|banned|restricted|blocked)",
    r"模型不存在|无权|无可用(?:的)?渠道|unable to access (?:\S+ )?model\b|could not resolve the (?:\S+ )?model\b|^\W*(?:bad request\W+)?invalid provider\W*$",
)
"""The model doesn't exist, or not for this account."""
LEAST, MOST = 512, 10_000_000
"""The range of plausible windows, in tokens."""
_ERROR_CODE = re.compile(r"(\binvalid params\b[^();]*)\(\d{4}\)")
"""MiniMax appends its error number to the message."""
_RANGE = re.compile(r"[\[(]\s*\d+\s*(?:,|to|-)\s*(\d+)\s*[\])]")
_NUMBER = re.compile(r"(?<![\d.\w-])(\d{1,3}(?:[,_' ]\d{3})+(?!\d)|\d+)(?:\.0+\b)?(k\b)?")
_BOUND_BEFORE = re.compile(
    r"max|limit|window|\bcontext\b|n_ctx|capacity|\bonly\b|up to|at most|no more than"
    r"|(?:less|fewer|smaller|lower|shorter) than"
    r"|exceed|support|allow|(?:more|larger|longer|greater|bigger|higher) than|\bover\b|beyond|above|\/\s*$|[<>\u2264]"
    r"|最大|上限|限制|不(?:能|得|可)?超过|超过|超出|最多|上下文"
)
_BOUND_AFTER = re.compile(
    r"^[\s)\]]*(?:-?\s?tokens?)?[\s)\],]{0,3}(?:\(?max|limit|context|window|allowed|is the (?:max|limit)"
    r"|or (?:less|fewer))"
)
_ASKED = re.compile(
    r"(?:request\w*|sent|got|given|received|result\w*|contain\w*|your|you|total|has|have|had|actual\w*|found|was"
    r"|n_prompt_tokens|estimated|instead|too (?:long|large|many))\b[^.;\d]*$"
)
"""Precedes the size of the request rather than the limit; the last such word before a number decides."""
_ANSWER = re.compile(
    r"(?:max_(?:new_|completion_|output_)?tokens|completions?|outputs?|answers?|generat\w*)"
    r"\W{0,3}(?:tokens?)?(?: (?:should|must) be)?\W{0,3}$"
)
_ADDEND_BEFORE, _ADDEND_AFTER = re.compile(r"\d\s*[+-]\s*$"), re.compile(r"^\s*(?:[+-]\s*\d|/\s*\d)")
"""Part of a sum, or a value compared with a limit by a slash."""
_OTHER_UNIT_BEFORE = re.compile(
    r"(?:char(?:acter)?s?|bytes?|words?|字符数?|字数|字节数?)\W{0,3}(?:(?:is|are|of|为|是) ?)?\W{0,2}$"
    r"|(?:string|array) with (?:a )?max(?:imum)? length $"
)
_OTHER_UNIT = re.compile(r"^\W{0,2}(?:char|byte|[kmg]i?b\b|字符|字节|word|image|pixel|second|%|messages?\b|turns?\b)")


def any_of(patterns: tuple[str, ...]) -> "re.Pattern[str]":
    """One pattern for all of them."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def prompt_limit_in(words: str) -> int | None:
    """The prompt limit in tokens that a message (in lower case) mentions, or None."""
    found: list[int] = []
    words = _RANGE.sub(r"\1", _ERROR_CODE.sub(r"\1", words))
    end = 0
    for match in _NUMBER.finditer(words):
        before, after = words[max(end, match.start() - 90) : match.start()], words[match.end() : match.end() + 30]
        end = match.end()
        number = int(re.sub(r"\D", "", match[1])) * (1000 if match[2] else 1)
        if not LEAST <= number <= MOST or _OTHER_UNIT.search(after) or _ANSWER.search(before):
            continue
        if _OTHER_UNIT_BEFORE.search(before):
            continue
        if _ADDEND_AFTER.search(after) or _ADDEND_BEFORE.search(words[: match.start()][-12:]):
            continue
        if _BOUND_AFTER.search(after) or _is_bound(before):
            found.append(number)
    return min(found, default=None)


def _is_bound(before: str) -> bool:
    bound = max((match.end() for match in _BOUND_BEFORE.finditer(before)), default=0)
    return bound > 0 and not _ASKED.search(before[bound:])
