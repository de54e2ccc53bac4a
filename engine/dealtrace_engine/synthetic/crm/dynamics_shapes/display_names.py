"""What users see of Dataverse tables and columns in each language."""

from __future__ import annotations

from dealtrace_engine.synthetic.crm.locales import LANGUAGES

_TABLES = {
    "account": (("Account", "Accounts"), ("Firma", "Firmen"), ("Compte", "Comptes"), ("Account", "Account"),
                ("取引先企業", "取引先企業"), ("客户", "客户")),
    "contact": (("Contact", "Contacts"), ("Kontakt", "Kontakte"), ("Contact", "Contacts"),
                ("Contatto", "Contatti"), ("取引先担当者", "取引先担当者"), ("联系人", "联系人")),
    "lead": (("Lead", "Leads"), ("Lead", "Leads"), ("Prospect", "Prospects"), ("Lead", "Lead"),
             ("潜在顧客", "潜在顧客"), ("潜在顾客", "潜在顾客")),
    "opportunity": (("Opportunity", "Opportunities"), ("Verkaufschance", "Verkaufschancen"),
                    ("Opportunité", "Opportunités"), ("Opportunità", "Opportunità"), ("営業案件", "営業案件"),
                    ("商机", "商机")),
    "quote": (("Quote", "Quotes"), ("Angebot", "Angebote"), ("Devis", "Devis"), ("Offerta", "Offerte"),
              ("見積もり", "見積もり"), ("报价单", "报价单")),
    "salesorder": (("Order", "Orders"), ("Auftrag", "Aufträge"), ("Commande", "Commandes"),
                   ("Ordine", "Ordini"), ("受注", "受注"), ("订单", "订单")),
    "invoice": (("Invoice", "Invoices"), ("Rechnung", "Rechnungen"), ("Facture", "Factures"),
                ("Fattura", "Fatture"), ("請求書", "請求書"), ("发票", "发票")),
    "product": (("Product", "Products"), ("Produkt", "Produkte"), ("Produit", "Produits"),
                ("Prodotto", "Prodotti"), ("製品", "製品"), ("产品", "产品")),
    "systemuser": (("User", "Users"), ("Benutzer", "Benutzer"), ("Utilisateur", "Utilisateurs"),
                   ("Utente", "Utenti"), ("ユーザー", "ユーザー"), ("用户", "用户")),
    "phonecall": (("Phone Call", "Phone Calls"), ("Telefonanruf", "Telefonanrufe"),
                  ("Appel téléphonique", "Appels téléphoniques"), ("Telefonata", "Telefonate"),
                  ("電話", "電話"), ("电话联络", "电话联络")),
    "email": (("Email", "Email Messages"), ("E-Mail", "E-Mail-Nachrichten"), ("Courrier électronique",
              "Courriers électroniques"), ("Messaggio e-mail", "Messaggi e-mail"), ("電子メール",
              "電子メール"),
              ("电子邮件", "电子邮件")),
    "appointment": (("Appointment", "Appointments"), ("Termin", "Termine"), ("Rendez-vous", "Rendez-vous"),
                    ("Appuntamento", "Appuntamenti"), ("予定", "予定"), ("约会", "约会")),
    "task": (("Task", "Tasks"), ("Aufgabe", "Aufgaben"), ("Tâche", "Tâches"), ("Attività", "Attività"),
             ("タスク", "タスク"), ("任务", "任务")),
    "opportunityclose": (("Opportunity Close", "Opportunity Close"),) * 6,
    "quoteclose": (("Quote Close", "Quote Close"),) * 6,
    "orderclose": (("Order Close", "Order Close"),) * 6,
    "incident": (("Case", "Cases"), ("Anfrage", "Anfragen"), ("Incident", "Incidents"), ("Caso", "Casi"),
                 ("サポート案件", "サポート案件"), ("案例", "案例")),
}  # fmt: skip
"""Of each table in each language: one row, and many."""

_COLUMNS = {
    "createdon": ("Created On", "Erstellt am", "Date de création", "Data creazione", "作成日", "创建时间"),
    "createdby": ("Created By", "Erstellt von", "Créé par", "Autore", "作成者", "创建者"),
    "modifiedon": (
        "Modified On", "Geändert am", "Date de modification", "Data modifica", "修正日", "修改时间",
    ),
    "modifiedby": ("Modified By", "Geändert von", "Modifié par", "Modificato da", "修正者", "修改者"),
    "ownerid": ("Owner", "Besitzer", "Propriétaire", "Proprietario", "所有者", "负责人"),
    "statecode": ("Status", "Status", "Statut", "Stato", "状態", "状态"),
    "statuscode": (
        "Status Reason", "Statusgrund", "Raison du statut", "Motivo stato", "ステータスの理由", "状态描述",
    ),
    "name": ("Name", "Name", "Nom", "Nome", "名前", "名称"),
    "opportunity.name": ("Topic", "Thema", "Sujet", "Argomento", "トピック", "主题"),
    "account.name": (
        "Account Name", "Firmenname", "Nom du compte", "Nome account", "取引先企業名", "客户名",
    ),
    "subject": ("Subject", "Betreff", "Objet", "Oggetto", "件名", "主题"),
    "lead.subject": ("Topic", "Thema", "Sujet", "Argomento", "トピック", "主题"),
    "fullname": (
        "Full Name", "Vollständiger Name", "Nom complet", "Nome completo", "氏名", "全名",
    ),
    "companyname": ("Company Name", "Firmenname", "Société", "Nome società", "会社名", "公司名称"),
    "customerid": (
        "Potential Customer", "Potenzieller Kunde", "Client potentiel", "Potenziale cliente",
        "見込み顧客", "潜在客户",
    ),
    "estimatedvalue": (
        "Est. Revenue", "Gesch. Umsatz", "Revenu estimé", "Ricavi previsti", "見込売上", "预计收入",
    ),
    "estimatedclosedate": (
        "Est. Close Date", "Gesch. Abschlussdatum", "Date de clôture estimée", "Data chiusura prevista",
        "終了予定日", "预计结束日期",
    ),
    "actualvalue": (
        "Actual Revenue", "Tatsächlicher Umsatz", "Revenu réel", "Ricavi effettivi", "実売上", "实际收入",
    ),
    "actualclosedate": (
        "Actual Close Date", "Tatsächliches Abschlussdatum", "Date de clôture réelle",
        "Data chiusura effettiva", "実際の終了日", "实际结束日期",
    ),
    "opportunityid": (
        "Opportunity", "Verkaufschance", "Opportunité", "Opportunità", "営業案件", "商机",
    ),
    "originatingleadid": (
        "Originating Lead", "Ursprünglicher Lead", "Prospect d'origine", "Lead di origine",
        "元の潜在顧客", "原始潜在顾客",
    ),
    "quoteid": ("Quote", "Angebot", "Devis", "Offerta", "見積もり", "报价单"),
    "salesorderid": ("Order", "Auftrag", "Commande", "Ordine", "受注", "订单"),
    "leadsourcecode": (
        "Lead Source", "Leadquelle", "Origine du prospect", "Origine lead", "潜在顧客の情報源",
        "潜在顾客来源",
    ),
    "totalamount": ("Total Amount", "Gesamtbetrag", "Montant total", "Importo totale", "合計金額", "总金额"),
    "transactioncurrencyid": ("Currency", "Währung", "Devise", "Valuta", "通貨", "货币"),
    "duedate": ("Due Date", "Fälligkeitsdatum", "Date d'échéance", "Scadenza", "期限", "到期日"),
}  # fmt: skip

_ENGLISH = {
    "closeprobability": "Probability", "parentaccountid": "Account", "parentcontactid": "Contact",
    "discountpercentage": "Discount (%)", "discountamount": "Discount", "quotenumber": "Quote ID",
    "revisionnumber": "Revision ID", "effectivefrom": "Effective From", "effectiveto": "Effective To",
    "expireson": "Due By", "closedon": "Closed On", "ordernumber": "Order ID", "submitdate": "Date Submitted",
    "datefulfilled": "Date Fulfilled", "requestdeliveryby": "Requested Delivery Date",
    "invoicenumber": "Invoice ID", "datedelivered": "Date Delivered", "salesstage": "Sales Stage",
    "paymenttermscode": "Payment Terms", "actualstart": "Actual Start", "actualend": "Actual End",
    "scheduledstart": "Start Time", "scheduledend": "End Time", "regardingobjectid": "Regarding",
    "senton": "Date Sent", "directioncode": "Direction", "exchangerate": "Exchange Rate",
    "territoryid": "Territory", "industrycode": "Industry", "address1_country": "Address 1: Country/Region",
    "businessunitid": "Business Unit", "campaignid": "Source Campaign", "budgetamount": "Budget Amount",
    "overriddencreatedon": "Record Created On", "owningbusinessunit": "Owning Business Unit",
    "stepname": "Pipeline Phase", "actualrevenue": "Actual Revenue", "competitorid": "Competitor",
}  # fmt: skip
"""Columns whose names are only known in English, as the Common Data Model gives them."""

DO_NOT_MODIFY = dict(
    zip(
        LANGUAGES,
        ("(Do Not Modify)", "(Nicht ändern)", "(Ne pas modifier)", "(Non modificare)",
        "(変更しないでください)",
         "(请勿修改)"),
        strict=True,
    )
)  # fmt: skip
"""Before the names of the hidden columns."""
CHECKSUM = dict(
    zip(
        LANGUAGES,
        ("Row Checksum", "Zeilenprüfsumme", "Somme de contrôle de la ligne", "Checksum riga",
        "行チェックサム",
         "行校验和"),
        strict=True,
    )
)  # fmt: skip
LISTED = tuple(_TABLES)
"""Tables that have a list from which users export."""


def table_names(table: str, language: str) -> tuple[str, str]:
    """Return the name of a table's row, and of many.

    Examples
    --------
    >>> table_names("salesorder", "de")
    ('Auftrag', 'Aufträge')
    """
    return _TABLES[table][LANGUAGES.index(language)]


def column_name(table: str, column: str, language: str) -> str:
    """Return the name of a column; English where no other is known, of a custom column its own words.

    Examples
    --------
    >>> column_name("opportunity", "name", "fr"), column_name("quote", "new_sales_region", "de")
    ('Sujet', 'Sales Region')
    """
    names = _COLUMNS.get(f"{table}.{column}") or _COLUMNS.get(column)
    if names:
        return names[LANGUAGES.index(language)]
    words = column.partition("_")[2] if column.startswith("new_") else column
    return _ENGLISH.get(column) or words.replace("_", " ").title()
