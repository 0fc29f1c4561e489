<?php
// Sends a mail with PHPMailer, with the settings that the documentation names.
require 'libphp-phpmailer/autoload.php';

use PHPMailer\PHPMailer\PHPMailer;

$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host = 'localhost';
$mail->Port = (int) getenv('PORT');
$mail->SMTPSecure = getenv('STARTTLS') ? PHPMailer::ENCRYPTION_STARTTLS : PHPMailer::ENCRYPTION_SMTPS;
$mail->SMTPAuth = true;
$mail->Username = getenv('USERNAME');
$mail->Password = getenv('PASSWORD');
$mail->SMTPOptions = ['ssl' => ['cafile' => getenv('TRUSTED')]];
$mail->setFrom(getenv('SENDER'));
$mail->addAddress(getenv('RECIPIENT'));
$mail->Subject = 'hello';
$mail->Body = getenv('TEXT');
$mail->send();
