// Sends a mail with nodemailer, with the settings that the documentation names.
const fs = require("node:fs");
const nodemailer = require("nodemailer");

const { PORT, STARTTLS, USERNAME, PASSWORD, TRUSTED, SENDER, RECIPIENT, TEXT } = process.env;
const transport = nodemailer.createTransport({
  host: "localhost",
  port: Number(PORT),
  secure: !STARTTLS,
  requireTLS: Boolean(STARTTLS),
  auth: { user: USERNAME, pass: PASSWORD },
  tls: { ca: fs.readFileSync(TRUSTED) },
});

transport
  .sendMail({ from: SENDER, to: RECIPIENT, subject: "hello", text: TEXT })
  .then((sent) => console.log(sent.response))
  .catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
