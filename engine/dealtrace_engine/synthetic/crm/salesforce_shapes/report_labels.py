"""What a report shows in the language of the user who runs it: headers and stages."""

from __future__ import annotations

from dealtrace_engine.synthetic.crm.locales import LANGUAGES

_HEADERS = {
    "Id": ("Opportunity ID", "Opportunity-ID", "ID d'opportunité", "ID opportunità", "商談 ID",
    "业务机会 ID"),
    "Name": (
        "Opportunity Name", "Opportunity-Name", "Nom de l'opportunité", "Nome opportunità", "商談名",
        "业务机会名称",
    ),
    "StageName": ("Stage", "Phase", "Étape", "Fase", "フェーズ", "阶段"),
    "FromStage": ("From Stage", "Von Phase", "De l'étape", "Da fase", "変更前フェーズ", "从阶段"),
    "ToStage": ("To Stage", "Zu Phase", "À l'étape", "A fase", "変更後フェーズ", "到阶段"),
    "Amount": ("Amount", "Betrag", "Montant", "Importo", "金額", "金额"),
    "CloseDate": (
        "Close Date", "Schlusstermin", "Date de clôture", "Data chiusura", "完了予定日", "结束日期",
    ),
    "CreatedDate": (
        "Created Date", "Erstelldatum", "Date de création", "Data creazione", "作成日", "创建日期",
    ),
    "EditDate": (
        "Edit Date", "Datum der letzten Änderung", "Date de la dernière modification", "Data ultima modifica",
        "編集日", "上次修改日期",
    ),
    "LastModifiedDate": (
        "Last Modified Date", "Datum der letzten Änderung", "Date de la dernière modification",
        "Data ultima modifica", "最終更新日", "上次修改日期",
    ),
    "Owner": (
        "Opportunity Owner", "Opportunity-Inhaber", "Propriétaire de l'opportunité", "Titolare opportunità",
        "商談 所有者", "业务机会所有人",
    ),
    "AccountName": ("Account Name", "Accountname", "Nom du compte", "Nome account", "取引先名", "客户名"),
    "LeadSource": (
        "Lead Source", "Lead-Quelle", "Origine de la piste", "Fonte lead", "リードソース", "潜在客户来源",
    ),
    "Probability": (
        "Probability (%)", "Wahrscheinlichkeit (%)", "Probabilité (%)", "Probabilità (%)", "確度 (%)",
        "可能性 (%)",
    ),
}  # fmt: skip

_STAGES = {
    "Prospecting": ("Prospecting", "Akquise", "Prospection", "Prospezione", "見込み", "寻找目标"),
    "Qualification": ("Qualification", "Qualifizierung", "Qualification", "Qualifica", "評価", "资格认定"),
    "Needs Analysis": (
        "Needs Analysis", "Bedarfsanalyse", "Analyse des besoins", "Analisi esigenze", "ニーズの把握",
        "需求分析",
    ),
    "Value Proposition": (
        "Value Proposition", "Nutzenversprechen", "Proposition de valeur", "Proposta di valore",
        "バリュープロポジション", "价值方案",
    ),
    "Decision Makers": (
        "Decision Makers", "Entscheider", "Décideurs", "Decisori", "意思決定者", "决策者",
    ),
    "Proposal": ("Proposal", "Angebot", "Proposition", "Proposta", "提案", "方案"),
    "Quotation": ("Quotation", "Preisangebot", "Devis", "Preventivo", "見積", "报价"),
    "Proposal/Price Quote": (
        "Proposal/Price Quote", "Angebot/Preisangebot", "Proposition/Devis", "Proposta/Preventivo",
        "提案/見積", "方案/报价",
    ),
    "Negotiation": ("Negotiation", "Verhandlung", "Négociation", "Negoziazione", "交渉", "谈判"),
    "Negotiation/Review": (
        "Negotiation/Review", "Verhandlung/Prüfung", "Négociation/Révision", "Negoziazione/Revisione",
        "交渉/レビュー", "谈判/复审",
    ),
    "Closed Won": (
        "Closed Won", "Geschlossen und gewonnen", "Fermée gagnée", "Chiusa Vinta", "受注", "已结束并赢得客户",
    ),
    "Closed Lost": (
        "Closed Lost", "Geschlossen und verloren", "Fermée perdue", "Chiusa Persa", "失注",
        "已结束但客户流失",
    ),
}  # fmt: skip


def header_label(column: str, language: str) -> str:
    """Return the header of a report's column.

    Examples
    --------
    >>> header_label("CloseDate", "de"), header_label("ToStage", "fr")
    ('Schlusstermin', "À l'étape")
    """
    return _HEADERS[column][LANGUAGES.index(language)]


def stage_labels(language: str) -> dict[str, str]:
    """Return the stages that have a name of their own in a language.

    Examples
    --------
    >>> stage_labels("ja")["Closed Won"]
    '受注'
    """
    place = LANGUAGES.index(language)
    return {stage: labels[place] for stage, labels in _STAGES.items()}
