"""Your own question: the list of marts, and a cell of SQL on a read-only connection."""

import marimo

app = marimo.App(width="medium", app_title="Your own question")


@app.cell
def _():
    from clientela.query.notebook import mo, published

    company = published()
    mo.md(f"{company.heading('Your own question')} Nothing that is asked here can change what is published.")
    return company, mo


@app.cell
def _(mo):
    mo.md("## What can be asked")
    return


@app.cell
def _(company):
    marts = company.marts
    marts
    return (marts,)


@app.cell
def _(mo):
    mo.md("## Ask")
    return


@app.cell
def _(mo):
    question = mo.ui.code_editor(
        value="from operations.publication", language="sql", label="A query on the marts", min_height=120
    ).form(submit_button_label="Ask")
    question
    return (question,)


@app.cell
def _(company, question):
    answer = company.query(question.value or "from operations.publication")
    answer
    return (answer,)


if __name__ == "__main__":
    app.run()
