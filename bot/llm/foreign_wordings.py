"""The error messages of ``wordings`` and ``media_wordings`` in languages other than English.

Only whole phrases are matched: an unsupported format doesn't mean that a model can't see, and a limit per minute
doesn't mean that the prompt is too long.
"""

_FORM = (
    r"(?:格式|大小|尺寸|生成|编辑|类型|链接|输出|合成|編輯|類型|鏈接|連結|形式|サイズ|出力|형식|크기|출력|생성|format|größe|tama[nñ]o|taille|"
    r"генерац|формат|размер|ausgabe|sortie|salida)"
)
_NOT_ITS_FORM = rf"(?!\s?(?:的|の)?\s?{_FORM})"


def _senseless(hanzi: str, japanese: str, korean: str, russian: str, romance: str, german: str) -> tuple[str, ...]:
    """Phrases for a model that lacks a sense, given the names of its medium."""
    return (
        rf"不(?:支持|支援|能处理|能理解|接受|具备)的?(?:消息|内容|输入|輸入)?(?:类型)?(?:\W{{0,3}}){hanzi}{_NOT_ITS_FORM}",
        rf"(?:无法|不能)(?:处理|识别|理解|接收|查看){hanzi}(?:输入)?(?:$|[。,\uff0c.;\uff1b])",
        rf"{hanzi}(?:输入|輸入|理解|能力|内容|消息)?(?:暂|尚|目前)?(?:不|未)(?:被)?(?:支持|支援|开启|启用|提供)",
        rf"{japanese}(?:入力|認識|ファイル)?(?:を|は|に|には)[^。.]{{0,10}}(?:サポート(?:して|されて)い(?:ませ|な)|対応(?:して|されて)い"
        r"(?:ませ|な)|(?:使用|利用|処理|入力)できませ|受け付け(?:ませ|られませ|ていませ))",
        rf"{korean}(?: ?입력| ?처리)?(?:을|를|은|는|이|가)? ?(?:지원(?:하지|되지) ?않|처리할 수 없|받을 수 없)",
        rf"не (?:поддержива\w+|принима\w+|обрабатыва\w+|умеет|может) (?!\S*формат)[^.;]{{0,30}}{russian}",
        rf"(?<!формат )(?<!размер ){russian}\w*(?: \S+){{0,2}} не поддержива",
        rf"(?:ne (?:prend pas|prennent pas|supporte pas|gère pas|traite pas|permet pas)|n['\u2019](?:accepte|autorise) pas|no (?:admite|soporta|acepta|"
        rf"permite)|não (?:suporta|aceita|oferece suporte|permite)|non (?:supporta|accetta|gestisce))"
        rf"(?: (?:en charge|a|ao|l[ae]s?|les|as|os|le|l['\u2019]|de|des|d['\u2019]|gli|entradas?|entr[ée]+es?|ingressi|input|di))*[ '\u2019]{{1,2}}"
        rf"(?:(?:l|d)['\u2019])?{romance}\b(?! (?:de (?:plus|más|mais)|may|sup|maior|più|plus|trop|demasiado))",
        rf"unterstützt (?:keine?|nicht)(?: \S+){{0,2}}? {german}\w*(?! (?:format|größe))|{german}\w* (?:werden|wird|sind|ist)(?: \S+){{0,4}} nicht "
        r"(?:unterstützt|erlaubt|möglich)",
    )


BLIND = (
    *_senseless(
        r"(?:image_url|图片|图像|图象|看图|识图|视觉|多模态|圖片|圖像|影像|視覺|多模態)",
        r"(?:画像|ビジョン|マルチモーダル)",
        r"(?:이미지|비전|멀티모달)",
        r"(?:изображени|картин|фотографи)",
        r"(?:im[aá]gen(?:es|s)?|imagem|images?|immagin[ie]|vision)",
        r"(?:bild(?:er|eingaben?)?\b|vision\b)",
    ),
    r"(?:纯文本|纯文字|純文字|純文本)模型|(?:只|仅)(?:支持|接受)文字|テキストのみ(?:対応|サポート|入力)|텍스트만 (?:지원|입력|처리)|"
    r"(?:поддержива\w+|принима\w+) только текст|(?:nur|uniquement|solo|apenas|soltanto) (?:du |de )?texte?o?\b.{0,20}(?:unterstützt|accept|admit|support|suport)",
)
DEAF = _senseless(
    r"(?:input_audio|音频|语音|声音|音訊|語音|聲音)",
    r"(?:音声|オーディオ)",
    r"(?:오디오|음성)",
    r"(?:аудио|звук|голос)",
    r"(?:[aá]udios?|sons?|voz|voix)",
    r"(?:audio|ton|sprach)",
)
TOO_LONG = (
    r"(?:messages? ?|prompt ?|输入|消息|请求|对话)(?:的)?(?:总|最大)?(?:长度|字数)[^。,\uff0c]{0,4}(?:超过|超出|过长)",
    r"(?:请求|内容|问题|历史|会话|聊天记录|請求|輸入|對話|訊息|上下文|提示詞)(?:内容|消息)?[^。,\uff0c图片音视文件圖]{0,10}(?:过长|超长|太长|過長|太長)",
    r"(?:超过|超出|超過)(?:了)?模型(?:所)?(?:支持|允许|能|可|允許|支援)[^。,\uff0c]{0,8}(?:长度|上下文|token|長度)",
    r"(?:上下文|輸入|提示詞|對話|訊息|token)[^。,\uff0c图片音视圖]{0,14}(?:超過|超出|超限)|上下文(?:长度|窗口|長度)?(?:不足|不够|不夠)",
    r"(?:入力|プロンプト|会話|メッセージ|コンテキスト).{0,12}(?:長すぎ|超え|超過)|최대 ?(?:토큰|컨텍스트|입력).{0,12}(?:초과|넘)"
    r"|(?:프롬프트|입력|컨텍스트|대화).{0,12}(?:너무 (?:길|깁)|초과)",
    r"(?:dépass|excèd|excéd|supera|excede|sobrepasa|ultrapassa|supera)\w*\b[^.;]{0,40}\b(?:context[eo]|contesto|jetons|tokens?|longueur|longitud|"
    r"comprimento|lunghezza|ventana|fenêtre|janela|finestra)\b(?!.{0,12}(?:por|par|per|al) (?:minut|d[ií]a|jour|seg|giorno))",
    r"(?:überschreit|übersteig|überschritten)\w*[^.;]{0,40}(?:kontext|eingabelänge|token)|(?:kontext|eingabe|prompt|token)\w*[^.;]{0,40}"
    r"(?:überschreit|übersteig|überschritten)(?!.{0,20}pro )(?<!pro minute überschritten)",
    r"слишком (?:длинн|больш)\w+ (?:запрос|сообщени|контекст|диалог|промпт|текст|ввод)|(?:запрос|сообщение|контекст|диалог|промпт|текст) "
    r"(?:\S+ )?слишком (?:длин|велик|больш)",
)
REFUSED = (
    r"(?:触发|命中|觸發)[^。,\uff0c]{0,8}(?:安全|风控|审核|敏感|違規|违规|内容过滤)|(?:违禁|敏感|不良|有害|違禁)(?:词|詞|内容|內容|信息|文本)|风控(?:拦截|拒绝|系统)",
    r"(?:包含|含有|存在|涉及|涉嫌)[^。,\uff0c]{0,8}(?:违禁|有害|不良|涉政|暴恐|敏感|違規|不當|色情|暴力)|内容(?:已?被)?(?:屏蔽|拦截|过滤)|敏感(?:內容|話題)",
    r"违反[^。]{0,10}(?:规范|准则|条款|协议|公约)|違反[^。]{0,10}(?:規範|政策|條款|準則)",
    r"(?:不適切|有害|不快)な(?:コンテンツ|内容|表現|入力)|(?:コンテンツ|安全|セーフティ)(?:フィルタ|ポリシー|モデレーション).{0,14}(?:違反|ブロック|拒否|検出)",
    r"(?:부적절|유해|불쾌)한? ?(?:콘텐츠|내용|표현)|(?:콘텐츠|안전|컨텐츠) ?(?:필터|정책|관리).{0,14}(?:차단|위반|거부|감지)",
    r"(?:недопустим|запрещ[её]нн|неприемлем|вредоносн|небезопасн|оскорбительн)\w+ (?:содержани|содержим|контент|материал|тем[аыу])"
    r"|наруша\w+ .{0,30}(?:политик|правил)|фильтр\w* (?:содержимого|контента|безопасности)",
    r"(?:unangemessen|anstößig|schädlich|unzulässig|verboten)\w* inhalt|inhaltsfilter|(?:verstößt|verstoß) gegen .{0,40}(?:richtlinie|regeln|bedingungen)",
    r"(?:contenu|contenido|conteúdo|contenuto) (?:potentiellement |potencialmente |potenzialmente )?(?:inappropri|inapropiad|inadecuad|inadequad|impr[oó]pri|"
    r"sensible|sens[ií]vel|ofensiv|offensant|offensiv|prohibid|proibid|interdit|vietat|dañin|nocif|nociv)",
    r"(?:filtr[eo] (?:de|du|dei|di) conten[uúi]\w+)|(?:enfreint|viole|viola|infringe|incumple|violano) .{0,30}(?:politique|pol[ií]tica|règles|normas|"
    r"conditions|diretrizes|directrices|norme)",
)
