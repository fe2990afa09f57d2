"""Refusals in other languages than English, one a line, as the message of a 400 in OpenAI's form."""

from bot import errors

FOREIGN: dict[type[errors.ModelError], str] = {
    errors.CannotSee: """
此模型无法处理图片
模型暂不支持图片
当前模型不支持看图
此模型為純文字模型,不支援圖片
画像には対応していません
이미지를 처리할 수 없는 모델입니다
Эта модель не принимает картинки
O modelo não suporta imagens
Il modello non supporta le immagini
Das Modell unterstützt keine Bildeingabe
纯文本模型,请勿上传图片
该模型不支持图片输入
当前模型不支持图像输入,请使用视觉模型
模型 glm-4-flash 不支持多模态输入
不支持的消息类型: image_url
该模型仅支持文本输入
当前模型不支持视觉理解
このモデルは画像入力をサポートしていません
이 모델은 이미지 입력을 지원하지 않습니다
Модель не поддерживает изображения
Ce modèle ne prend pas en charge les images
Dieses Modell unterstützt keine Bilder
Este modelo no admite imágenes
""",
    errors.CannotHear: """
当前模型不支持音频
음성 입력을 지원하지 않습니다
Das Modell unterstützt kein Audio
El modelo no admite audio
音声入力には対応していません
该模型不支持音频输入
模型不支持语音输入
""",
    errors.ContextTooLong: """
输入的总长度超过了模型的最大长度限制
prompt tokens 过多，超出上下文窗口
您的输入过长，请缩短后重试
超出最大上下文长度
上下文超长
messages 总长度超过限制
消息太长
輸入內容過長
プロンプトが長すぎます
컨텍스트 길이를 초과했습니다
Превышен лимит контекста модели
Le prompt est trop long
O prompt excede o limite de tokens do modelo
Il prompt supera la lunghezza massima
输入长度超过限制
输入的 token 数量超过模型最大上下文长度限制
Prompt 超长。请求的 tokens 数为 9000, 超过最大 8192
请求内容过长，已超过模型支持的最大长度
对话历史太长,请开启新对话
input tokens 超过了最大限制
上下文长度不足
入力が長すぎます。最大トークン数を超えています
입력이 너무 깁니다. 최대 토큰 수를 초과했습니다
Слишком длинный запрос: превышено максимальное число токенов
La conversation dépasse la longueur maximale du contexte
El prompt supera la longitud máxima del contexto
Die Eingabe überschreitet die maximale Kontextlänge
""",
    errors.ContentRefused: """
您输入的内容包含敏感词
请求因内容安全策略被拒绝
输入可能包含违法违规信息
涉嫌违反使用规范
抱歉，我们无法处理该敏感问题
內容包含不當言論
Contenido bloqueado por el filtro de contenido
Сообщение нарушает правила использования
コンテンツポリシーに違反しています
안전 정책 위반으로 차단되었습니다
您的输入包含敏感内容,请修改后重试
内容不合规
文本内容审核不通过
输入文本触发安全策略
提示词包含违禁词
风控拦截
不適切なコンテンツが含まれているため、リクエストは拒否されました
부적절한 콘텐츠가 감지되어 요청이 차단되었습니다
Запрос отклонён: содержит недопустимый контент
""",
}

NEITHER = """
图片格式不支持
不支持的图片格式: webp
音频格式不支持
Формат изображения не поддерживается
Das Bildformat wird nicht unterstützt
Le modèle ne supporte pas les images de plus de 20 Mo
画像形式がサポートされていません
이미지 형식이 지원되지 않습니다
参数 temperature 超出范围
max_tokens 参数超出范围 [1, 8192]
工具调用不支持
tool_choice 参数不支持
消息格式错误: role 必须是 user
消息列表不能为空
"""
"""They speak of pictures, sounds and lengths, and say nothing of what the model takes."""
